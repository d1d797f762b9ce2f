"""A page of HTML, read for tests: what it refers to, its words, and whether every element is closed."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

VOID_ELEMENTS = {"meta", "img", "br", "link"}


class HtmlPage(HTMLParser):
    """Collects addresses and text, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read_page(page: Path) -> HtmlPage:
    """Read a page; fails where an element is not closed."""
    checker = HtmlPage()
    checker.feed(page.read_text())
    assert checker.open == []
    return checker
