"""Tests of a snapshot's page, read as a browser reads it: as elements, and not as text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Elements that have no end.
VOID = {"br", "img", "link", "meta", "wbr"}


@dataclass
class Element:
    """One element, its attributes, and all text in it and below."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""
    inside: tuple[str, ...] = ()


@dataclass
class Read(HTMLParser):
    """All elements of a page, in their order; fails where one is not closed."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), attrs
        element = Element(
            tag, {name: value or "" for name, value in attrs}, inside=tuple(one.tag for one in self._open)
        )
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def of(self, *tags: str) -> list[Element]:
        """Return the elements with one of these tags."""
        return [element for element in self.elements if element.tag in tags]


def read(page: bytes) -> Read:
    """Return a page as its elements."""
    found = Read()
    found.feed(page.decode())
    found.close()
    assert not found._open
    return found
