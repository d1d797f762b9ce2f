"""The ablations' section of a Markdown document: tables, what they decide, what is missing."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from ablations.comparison import Comparison, Row
from ablations.results import Result
from itrt.errors import InvalidArgumentError
from itrt.files import write_atomically
from itrt.text import binary_size, counted, millions

BEGIN = "<!-- ablations: written by tools/ablate.py report, which replaces everything up to the end -->"
END = "<!-- ablations: end -->"


def section(comparisons: Sequence[Comparison], results: Path, pictures: Path, directory: Path) -> str:
    """Return the section, from `BEGIN` to `END`.

    Parameters
    ----------
    comparisons
        One a heading.
    results, pictures
        Directories of the JSON files and of the PNG files, ``ablation-NAME.png``.
    directory
        The document's, to which links are relative.
    """
    parts = [BEGIN, "## Ablations", _introduction(comparisons, os.path.relpath(results, directory))]
    for comparison in comparisons:
        parts += _answer(comparison, os.path.relpath(pictures, directory))
    return "\n\n".join([*parts, END]) + "\n"


def replace_section(document: Path, text: str) -> None:
    """Write a section in the place of the one that the document has, or at its end; a new document gets a title.

    Raises
    ------
    InvalidArgumentError
        If the document has one of the two marks without the other.
    """
    old = document.read_text(encoding="utf-8") if document.is_file() else "# Results\n"
    if (old.count(BEGIN), old.count(END)) == (0, 0):
        new = f"{old.rstrip()}\n\n{text}"
    elif (old.count(BEGIN), old.count(END)) == (1, 1) and old.index(BEGIN) < old.index(END):
        before, _, rest = old.partition(BEGIN)
        new = before + text.rstrip() + rest.partition(END)[2]
    else:
        raise InvalidArgumentError(
            f"{document}: expected one line {BEGIN!r} and behind it one line {END!r}, or neither, "
            f"found {old.count(BEGIN)} and {old.count(END)}"
        )
    write_atomically(document, new.encode())


def _introduction(comparisons: Sequence[Comparison], results: str) -> str:
    made = {result.request.name: result for comparison in comparisons for result in comparison.results}
    text = (
        "What a choice in the network or its training is worth: small trainings that differ in it alone "
        f"(`tools/ablate.py run`, `tools/ablate.py report`; [a file a run]({results}))."
    )
    if not made:
        return text
    return f"{text} {_budget(list(made.values()))}"


def _budget(made: Sequence[Result]) -> str:
    request = made[0].request
    data, recipe = request.data, request.recipe
    left_out = f"of {' and '.join(data['left_out'])}, left out of training" if data["left_out"] else "left out"
    seconds = [result.cpu_seconds for result in made]
    height, width = recipe.crop
    versions = sorted({f"torch {r.environment['torch']}" for r in made})
    return (
        f"Data: {data['title']}, {data['train_images']} images to train and {data['measured_images']} {left_out}, to "
        f"measure, reduced by {request.budget.reduction} to {data['height']}x{data['width']}. The budget of a run: "
        f"{counted(recipe.epochs, 'epoch')} of crops of {height}x{width} in batches of {recipe.batch_size}, "
        f"{min(seconds):.0f} to {max(seconds):.0f} s of CPU time, {mean(seconds):.0f} on average "
        f"({counted(len(made), 'run')}; {', '.join(versions)}; float32). Such networks are small "
        "and far from trained: a difference says what a choice is worth at this budget, on these images.\n\n"
        "The numbers below an iteration are mean IoU in % after it: the mean over the seeds, lowest and highest in "
        "brackets. Parameters and graph (weights and all activations, every node with memory of its own, one answer: "
        f"[planner.md](planner.md)) are those of the int8 network at {data['height']}x{data['width']}, MAC of all its "
        "iterations."
    )


def _answer(comparison: Comparison, pictures: str) -> list[str]:
    ablation = comparison.ablation
    parts = [f"### {ablation.question}"]
    if comparison.results:
        parts.append(f"Seeds {', '.join(map(str, comparison.seeds))}.")
        parts.append(_table(comparison))
    missing = comparison.missing()
    if missing:
        parts.append(f"Missing, since not run yet: {'; '.join(missing)}.")
    verdicts = comparison.verdicts()
    if verdicts:
        parts.append("After the last iteration:\n\n" + "\n".join(f"- {verdict}" for verdict in verdicts))
    if comparison.results:
        parts.append(f"![{ablation.question}]({pictures}/ablation-{ablation.name}.png)")
    return parts


def _table(comparison: Comparison) -> str:
    rows = [row for row in comparison.rows if row.results]
    iterations = max(row.iterations for row in rows)
    head = ["", "channels", "parameters", "graph", "MAC", "runs", *map(str, range(1, iterations + 1))]
    lines = [head, ["---"] * len(head)]
    lines += [[*_sizes(row), *_values(row, iterations)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sizes(row: Row) -> list[str]:
    graph, network = row.results[0].graph, row.results[0].request.network
    return [
        row.title,
        ", ".join(map(str, network.channels)),
        f"{graph['parameters']:,}",
        binary_size(graph["graph_bytes"]),
        millions(graph["macs"]),
        str(len(row.results)),
    ]


def _values(row: Row, iterations: int) -> list[str]:
    texts = []
    for iteration in range(row.iterations):
        values = [100 * value for value in row.after(iteration)]
        spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
        texts.append(f"{mean(values):.1f}{spread}")
    return texts + [""] * (iterations - row.iterations)
