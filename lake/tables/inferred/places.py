"""Where paths lie to one another, and what a shape has at one."""

import re

from lake.tables.inferred.shape import Shape
from lake.tables.paths import quoted, steps

_STEP_END = re.compile(r"\.|\[\]")


def member(path: str, name: str) -> str:
    """Return the path of a member of the object at a path; the document's own is empty."""
    return f"{path}.{quoted(name)}" if path else quoted(name)


def below(rows: str, path: str) -> str:
    """Return, from the document's root, a path that begins at an element of the list at `rows`."""
    return f"{rows}.{path}" if rows and path else rows or path


def relative(path: str, rows: str) -> str:
    """Return a path as it begins at an element of the list at `rows`."""
    return path.removeprefix(rows).removeprefix(".")


def row_of(path: str) -> str:
    """Return the path of the list whose elements the value at a path belongs to, empty for the document.

    >>> row_of("team[].move.url"), row_of("tags[]"), row_of("address.city")
    ('team[]', 'tags[]', '')
    """
    return path[: path.rfind("[]") + 2] if "[]" in path else ""


def is_within(path: str, outer: str) -> bool:
    """Tell whether a path is another one, or lies below it."""
    return path.startswith(outer) and (path[len(outer) : len(outer) + 1] in ("", ".", "[") or not outer)


def above(path: str) -> list[str]:
    """Return the paths of all objects and lists that the value at a path lies in, the document first.

    >>> above("team[].move.url")
    ['', 'team', 'team[]', 'team[].move']
    """
    return [""] * bool(path) + [path[: found.start()] for found in _STEP_END.finditer(path)]


def place_at(shape: Shape, path: str) -> Shape | None:
    """Return the place at a path, None if nothing was met there."""
    place: Shape | None = shape
    for name, is_list in steps(path) if path else ():
        place = place.members.get(name) if place else None
        place = place.elements if place and is_list else place
    return place


def is_unseen(shape: Shape, path: str) -> bool:
    """Tell whether something may stand at a path that the shape does not have, because nobody looks into what is there.

    That is so of the members of an object that has very many, and of what lies too deep.
    """
    places = (place_at(shape, outer) for outer in above(path))
    return any(place and {"map", "deep"} & place.values for place in places)
