"""The items of a listing's page: one that is odd, or no JSON at all, spoils neither the page nor the others."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from lake.body import body_problem
from lake.text import shown

# A longer id makes an address that no server takes.
MAX_ID_LENGTH = 1000

# What structures JSON; in a text no bracket counts.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]', re.DOTALL)

# What decoding raises for a body that is no JSON, or other JSON than was expected.
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Opened:
    """A page as it was sent, but with an empty list of items, and each item, byte for byte.

    `items` is None where the page has no list at the path, and `envelope` is then the whole page.
    """

    envelope: bytes
    items: list[bytes] | None


def opened(page: bytes, path: str) -> Opened:
    """Take the items out of a page; a dotted path says where they are.

    >>> opened(b'{"of": {"users": [{"id": 1}, NaN]}, "next": 2}', "of.users")
    Opened(envelope=b'{"of": {"users": []}, "next": 2}', items=[b'{"id": 1}', b'NaN'])
    """
    try:
        found = find(page, path)
        items = None if found is None else [bytes(item) for item in msgspec.json.decode(found, type=list[msgspec.Raw])]
    except UNREADABLE:
        return _cut(page, path) or Opened(page, None)
    if found is None or items is None:
        return Opened(page, None)
    if page.count(found) > 1:
        return _cut(page, path) or Opened(page, None)
    return Opened(page.replace(found, b"[]"), items)


def page_problem(page: bytes, path: str) -> str | None:
    """Say what is wrong with a page, None if it is JSON that all read alike; its items do not count."""
    return body_problem(opened(page, path).envelope)


def _cut(page: bytes, path: str) -> Opened | None:
    """Take the items out of a page that is no JSON, None if it has no list at the path; only its brackets count."""
    wanted = path.split(".") if path else []
    # The brackets that are open, each with the name before the next bracket within it.
    stack: list[tuple[bytes, bytes]] = []
    last, depth, begin = b"", 0, 0
    items: list[bytes] = []
    for found in _TOKEN.finditer(page):
        token = found[0]
        if token == b":" and stack:
            stack[-1] = (stack[-1][0], last)
        elif token in b"[{":
            stack.append((token, b""))
            is_wanted = token == b"[" and not depth and len(stack) == len(wanted) + 1
            if is_wanted and [_text(name) for _, name in stack[:-1]] == wanted:
                depth, begin, first = len(stack), found.end(), found.end()
        elif token in b"]}":
            if not stack or stack.pop()[0] != (b"[" if token == b"]" else b"{"):
                return None
            if depth and len(stack) < depth:
                item = page[begin : found.start()].strip()
                items += [item] if item or items else []
                return Opened(page[:first] + page[found.start() :], items)
        elif token == b"," and depth and len(stack) == depth:
            items.append(page[begin : found.start()].strip())
            begin = found.end()
        last = token
    return None


def _text(token: bytes) -> str | None:
    try:
        return msgspec.json.decode(token, type=str)
    except UNREADABLE:
        return None


def find(page: bytes | msgspec.Raw, path: str) -> bytes | None:
    """Return the value at a dotted path, byte for byte; null if null stands on the way, None if there is nothing.

    Raises:
        DecodeError: Something on the way is no object.
    """
    found = bytes(page)
    for name in path.split(".") if path else ():
        if is_null(found):
            break
        members = msgspec.json.decode(found, type=dict[str, msgspec.Raw])
        if name not in members:
            return None
        found = bytes(members[name])
    return found


def is_null(value: bytes) -> bool:
    """Tell whether a value is JSON's null."""
    return value.strip() == b"null"


def id_of(item: bytes, path: str) -> int | str:
    """Return an item's id, an integer or a text, also that of an item which `body_problem` refuses.

    Raises:
        ValueError: It has none, or one that cannot be used.
    """
    try:
        given = _loose_id(item, path) if body_problem(item) else _strict_id(item, path)
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
    if given is None:
        raise ValueError(f"expected something at {path!r}, found nothing")
    if isinstance(given, bool) or not isinstance(given, int | str) or given in ("", ".", ".."):
        raise ValueError(f"expected an id, an integer or a string, at {path!r}, found {shown(repr(given))}")
    if isinstance(given, str) and len(given) > MAX_ID_LENGTH:
        raise ValueError(
            f"expected an id of at most {MAX_ID_LENGTH:,} characters at {path!r}, found one of {len(given):,}, which"
            f" begins {given[:60]!r}"
        )
    if isinstance(given, int) and not -(1 << 63) <= given < 1 << 63:
        raise ValueError(f"expected an id of 64 bits at most at {path!r}, found {shown(repr(given))}")
    return given


def _strict_id(item: bytes, path: str) -> Any:
    found = find(item, path)
    return None if found is None else msgspec.json.decode(found)


def _loose_id(item: bytes, path: str) -> Any:
    """Return what an odd item has as its id: nothing that stands there twice, and no text with a character amiss."""
    found = json.loads(item.decode(errors="surrogateescape"), object_pairs_hook=_once)
    for name in path.split(".") if path else ():
        if not isinstance(found, dict):
            raise ValueError(f"Expected `object`, got `{type(found).__name__}`")
        found = found.get(name)
    if isinstance(found, str):
        found.encode()
    return found


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    times = Counter(name for name, _ in members)
    return {name: value for name, value in members if times[name] == 1}
