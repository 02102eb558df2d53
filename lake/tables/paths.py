"""Paths of values in documents: names with dots between them, and ``[]`` behind a list's, ``moves[].move.url``."""

import re
from urllib.parse import unquote

# What means something in a path, or would be hard to see in one.
_MEANING = re.compile(r"[%.\[\]@\x00-\x1f\x7f]")
_NO_NAME = "%"


def quoted(name: str) -> str:
    """Return the name of a member as it stands in a path.

    >>> quoted("address"), quoted("a.b"), quoted("")
    ('address', 'a%2Eb', '%')
    """
    return _MEANING.sub(lambda found: f"%{ord(found[0]):02X}", name) if name else _NO_NAME


def unquoted(step: str) -> str:
    """Return the name of a member that stands in a path.

    >>> unquoted("a%2Eb")
    'a.b'
    """
    if "%" not in step:
        return step
    return "" if step == _NO_NAME else unquote(step)


def steps(path: str) -> list[tuple[str, bool]]:
    """Split a path into names; each comes with True if it is the name of a list.

    >>> steps("moves[].move.url")
    [('moves', True), ('move', False), ('url', False)]
    """
    return [(unquoted(part.removesuffix("[]")), part.endswith("[]")) for part in path.split(".")]
