"""A family of Pokémon: each below what it evolves from, with what it takes."""

import textwrap
from collections.abc import Iterator

from markupsafe import Markup

from lake.report.pictures.canvas import WIDTH, Canvas, characters, fitted
from lake.report.spotlight import Kin
from lake.text import listed, shown

_INDENT, _BOX, _LINE, _GAP, _SIZE = 22, 26, 16, 9, 12

# Right of the branch to what is below.
_TEXT = 18

# Ways in which one species evolves into another that are written out; games of later generations repeat earlier ones.
_WAYS = 3


def tree(label: str, root: Kin, marked: int) -> Markup:
    """Draw the whole tree from its root down; the species that is `marked` by its id stands out."""
    rows = list(_rows(root, 0, -1))
    tops, height = [], 2.0
    for kin, depth, _ in rows:
        tops.append(height)
        height += _BOX + _LINE * len(_words(kin, depth)) + _GAP
    canvas = Canvas(height, label, "tree")
    for place, (_, depth, parent) in enumerate(rows):
        left, top = depth * _INDENT + 1, tops[place]
        if parent >= 0:
            spine = left - _INDENT + 10
            above = tops[parent] + _BOX
            canvas.path(f"M{spine} {above:.1f}V{top + _BOX / 2:.1f}H{left}", "branch")
    for place, (kin, depth, _) in enumerate(rows):
        left, top = depth * _INDENT + 1, tops[place]
        width = min(len(shown(kin.name)) * 9 + 24, WIDTH - left - 2)
        canvas.rectangle(left, top, width, _BOX, "box marked" if kin.species_id == marked else "box", kin.name)
        canvas.text(fitted(shown(kin.name), width - 16, 13), left + 12, top + 17, "ink strong", 13)
        for line, words in enumerate(_words(kin, depth)):
            canvas.text(words, left + _TEXT, top + _BOX + 13 + line * _LINE, "muted", _SIZE)
    return canvas.element()


def described(root: Kin) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each step of the family in words: what evolves, into what, and in which ways."""
    for child in root.children:
        yield root.name, child.name, child.ways
        yield from described(child)


def _rows(kin: Kin, depth: int, parent: int, first: int = 0) -> Iterator[tuple[Kin, int, int]]:
    """Yield a species and all below it, each with its depth and the row of what it evolves from."""
    yield kin, depth, parent
    place = first + 1
    for child in kin.children:
        below = list(_rows(child, depth + 1, first, place))
        yield from below
        place += len(below)


def _words(kin: Kin, depth: int) -> list[str]:
    """Return the ways to evolve into a species as lines that fit."""
    room = characters(WIDTH - depth * _INDENT - _TEXT, _SIZE)
    told = listed(kin.ways, _WAYS)
    ways = [f"or: {way}" if place else way for place, way in enumerate(told)]
    if more := len(kin.ways) - len(told):
        ways.append(f"or in {more} more ways")
    return [line for way in ways for line in textwrap.wrap(shown(way), room)]
