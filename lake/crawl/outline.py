"""Says what an answer has in the place of what the settings name, so that a wrong setting is seen at once."""

from typing import Any

import msgspec

from lake.crawl.items import UNREADABLE
from lake.errors import SourceError
from lake.text import counted, shown

# Of a text, more than this is not shown, and of an object or a list, more members than this.
_MOST_CHARACTERS, _MOST_MEMBERS = 40, 12

# As long a sketch as somebody reads.
_LONGEST = 300


def outline(value: Any) -> str:
    """Return a piece of an answer in a line: its members, and only the size of what lies deeper.

    >>> outline({"count": 5, "data": [{"id": 1}], "links": {"next": None}})
    '{"count": 5, "data": [1 item], "links": {1 member}}'
    >>> outline([{"id": 1, "team": []}, {"id": 2}])
    '[2 items, the first {"id": 1, "team": [0 items]}]'
    """
    if isinstance(value, dict):
        members = [f"{_short(name)}: {_sized(member)}" for name, member in value.items()][:_MOST_MEMBERS]
        more = [f"{len(value) - _MOST_MEMBERS} more"] if len(value) > _MOST_MEMBERS else []
        return shown(f"{{{', '.join(members + more)}}}", _LONGEST)
    if isinstance(value, list) and value:
        first = outline(value[0]) if isinstance(value[0], dict) else _sized(value[0])
        return shown(f"{_sized(value).removesuffix(']')}, the first {first}]", _LONGEST)
    return _sized(value)


def outlined(body: bytes) -> str:
    """Return JSON as `outline` does, and what is none by its beginning."""
    try:
        return outline(msgspec.json.decode(body))
    except UNREADABLE:
        return shown(repr(body[:_LONGEST]), _LONGEST)


def found_at(page: bytes, path: str) -> str:
    """Return what a page has at a dotted path, or the nearest thing on the way to it, in a few words.

    >>> print(found_at(b'{"data": {"users": [], "total": 5}}', "data.items"))
    nothing; 'data' is {"users": [0 items], "total": 5}

    Raises:
        ValueError: The page is no JSON.
    """
    value, names = msgspec.json.decode(page), path.split(".") if path else []
    for depth, name in enumerate(names):
        if not isinstance(value, dict) or name not in value:
            return f"nothing; {repr('.'.join(names[:depth])) if depth else 'the page'} is {outline(value)}"
        value = value[name]
    return outline(value)


def wrong_path(where: str, wanted: str, setting: str, path: str, page: bytes, envelope: bytes) -> SourceError:
    """Return the error about a page that has something else, or nothing, at the path of a setting.

    The page may have items that are no JSON; its `envelope` has none.
    """
    try:
        found = found_at(page, path)
    except UNREADABLE:
        found = found_at(envelope, path)
    place = f"at {path!r}" if path else "as the page"
    return SourceError(f"{where}: expected {wanted} {place}, found {found}; check rest.{setting}")


def _sized(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{counted(len(value), 'member')}}}"
    if isinstance(value, list):
        return f"[{counted(len(value), 'item')}]"
    return _short(value)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[: _MOST_CHARACTERS - 1]}…" + '"' * isinstance(value, str)
