"""Names of inferred tables and columns: lower case, with underscores, each only once."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from itertools import chain, count
from typing import TypeVar

from lake.tables.paths import steps

_Place = TypeVar("_Place", str, tuple[str, str])

# As long as a table's name may be in a key.
LENGTH = 63

# Between a word and the next: in postCode before the C, in HTTPStatus before the S.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")


def column_name(path: str) -> str:
    """Return what the column of a path is called, unless the name is taken.

    >>> [column_name(path) for path in ("address.postCode", "HTTPStatus", "foo-bar", "Größe (m)", "2nd", "_id", "名前")]
    ['address_post_code', 'http_status', 'foo_bar', 'grosse_m', '_2nd', '_id', 'column']
    """
    name = _words(path)
    return f"_{name}"[:LENGTH] if name[:1].isdigit() else name if name.strip("_") else "column"


def table_name(resource: str, rows: str = "") -> str:
    """Return what the table of a resource, or of the list at `rows`, is called, unless the name is taken.

    >>> table_name("gym-leader"), table_name("trainer", "team[].moves[]")
    ('gym_leader', 'trainer_team_moves')
    """
    return _limited(f"{_words(resource)}_{_words(rows)}" if rows else _words(resource))


def _words(path: str) -> str:
    text = "_".join(name for name, _ in steps(path)).replace("ß", "ss")
    letters = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return _limited(_OTHER.sub("_", _HUMP.sub("_", letters).lower()))


def _limited(name: str) -> str:
    return re.sub("__+", "_", name)[:LENGTH].rstrip("_")


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken: this one, or with the first number behind it that makes it another.

    >>> free_name("value", {"value", "value_2"})
    'value_3'
    """
    numbered = (f"{name[: LENGTH - len(tail)]}{tail}" for tail in map("_{}".format, count(2)))
    return next(found for found in chain([name], numbered) if found not in taken)


def all_named(wanted: Mapping[_Place, str], taken: Collection[str]) -> dict[_Place, str]:
    """Give each place, in their order, a name of its own that is not taken."""
    names, used = dict[_Place, str](), set(taken)
    for place in sorted(wanted):
        names[place] = free_name(wanted[place], used)
        used.add(names[place])
    return names


def granted(wanted: Mapping[_Place, str], before: Mapping[_Place, str], taken: Collection[str]) -> dict[_Place, str]:
    """Return the names of those places whose wish no other name stands against.

    Whoever has a name `before` keeps it, unless it wants another one. Of places that want the same, the first has it.
    """
    kept: dict[_Place, str] = {
        place: name for place, name in wanted.items() if before.get(place) == name and name not in taken
    }
    used = {*taken, *kept.values(), *(before[place] for place in before.keys() - wanted.keys())}
    first = {name: place for place, name in sorted(wanted.items(), reverse=True) if name not in used}
    return kept | {place: name for name, place in first.items()}
