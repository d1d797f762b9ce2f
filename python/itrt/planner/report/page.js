// All lifetimes of the buffer below the pointer stand out, and its title is written below the picture.
for (const figure of document.querySelectorAll("figure")) {
  const picture = figure.querySelector("svg.memory");
  const detail = figure.querySelector(".detail");
  if (!picture || !detail) continue;
  const idle = detail.textContent;
  const show = (buffer) => {
    for (const other of picture.querySelectorAll(".buffer")) {
      other.classList.toggle("same", buffer !== null && other.dataset.buffer === buffer.dataset.buffer);
    }
    picture.classList.toggle("pointed", buffer !== null);
    detail.textContent = buffer === null ? idle : buffer.querySelector("title").textContent.replaceAll("\n", "; ");
  };
  picture.addEventListener("pointerover", (event) => show(event.target.closest(".buffer")));
  picture.addEventListener("pointerleave", () => show(null));
}
