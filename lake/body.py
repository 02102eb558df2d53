"""Which bodies are documents: the one definition for the crawl, which keeps no others, and for all that read them."""

import json
from typing import Any

import msgspec

# The deepest document of PokeAPI is nested 16 deep. Each reader has a limit of its own; Python's lies below 500.
MAX_DEPTH = 100

_TOO_DEEP = f"invalid JSON: nested more than {MAX_DEPTH} deep"

# Braces become brackets; of all else only quotes stay, because they tell what is text.
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b'{}[]"'))

_encode = msgspec.json.Encoder().encode


def body_problem(body: bytes) -> str | None:
    """Say why a body is no document that the lake accepts, None if it is one: JSON in UTF-8 that all read alike.

    Readers of JSON disagree about a name that stands twice in one object, a number beyond the range of a double, and
    half of a surrogate pair, so a body with one of these is refused. So is one that is nested deeper than `MAX_DEPTH`.
    A lake that an earlier version filled may hold documents that are refused here.

    >>> body_problem(b'{"id": 25, "name": "pikachu"}')
    >>> body_problem(b'{"id": 25, "height": 4, "height": 5}')
    "invalid JSON: expected every name once in an object, found 'height' twice"
    """
    try:
        body.decode("utf-8", errors="strict")
        found = msgspec.json.decode(body)
        if _is_too_deep(body):
            return _TOO_DEEP
        # What is spelled as this encoder spells it has every name once, and nearly all documents are.
        if _encode(found) != body:
            json.loads(body, object_pairs_hook=_require_names_once)
    except RecursionError:
        return _TOO_DEEP
    except (msgspec.DecodeError, ValueError) as error:
        return f"invalid JSON: {error}"
    return None


def _is_too_deep(body: bytes) -> bool:
    """Tell whether more than `MAX_DEPTH` objects and arrays lie in one another in valid JSON."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = body.translate(_BRACKETS, _NO_BRACKETS)
    if brackets.count(b"[") <= MAX_DEPTH:
        return False
    brackets = brackets.replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        # The innermost ones go.
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _require_names_once(members: list[tuple[str, Any]]) -> None:
    names = set[str]()
    for name, _ in members:
        if name in names:
            raise ValueError(f"expected every name once in an object, found {name[:80]!r} twice")
        names.add(name)
