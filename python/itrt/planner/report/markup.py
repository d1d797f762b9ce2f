"""Markup from Python: elements of SVG and HTML with everything escaped."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is markup already; any other text is escaped when it becomes part of an element."""

    __slots__ = ()


Content = str | Markup
Attributes = dict[str, str | float | None]


def element(tag: str, *children: Content, **attributes: str | float | None) -> Markup:
    """Return an element.

    Attribute names are written with ``_`` for ``-``, and with one behind them where they are words of Python; an
    attribute that is None is left out. Numbers are rounded to a hundredth of a pixel.
    """
    texts = [
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    inner = "".join(child if isinstance(child, Markup) else escape(child, quote=False) for child in children)
    return Markup(f"<{tag}{''.join(texts)}>{inner}</{tag}>")


def joined(parts: list[Markup]) -> Markup:
    """Return elements one after another, a line each."""
    return Markup("\n".join(parts))


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def rectangle(
    x: float, y: float, width: float, height: float, *children: Content, **attributes: str | float | None
) -> Markup:
    """Return a rectangle."""
    return element("rect", *children, x=x, y=y, width=width, height=height, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float | None) -> Markup:
    """Return a line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def text(x: float, y: float, content: str, **attributes: str | float | None) -> Markup:
    """Return a text."""
    return element("text", content, x=x, y=y, **attributes)


def width_of(content: str, size: float) -> float:
    """Return about how wide a text is, in pixels, in a sans-serif font of a size: enough to tell what fits."""
    return 0.58 * size * len(content)


def shortened(content: str, size: float, width: float) -> str:
    """Return as much of a text as fits, with an ellipsis; nothing where three letters do not fit."""
    if width_of(content, size) <= width:
        return content
    letters = int(width / (0.58 * size)) - 1
    return content[:letters].rstrip() + "…" if letters >= 3 else ""
