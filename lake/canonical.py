"""JSON documents: which bodies are one, and their content without the order of keys and of lists that have none."""

import json
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

# Two documents are about the same thing if at least this share of their members is equal.
RESEMBLANCE = 0.5

# The deepest document of PokeAPI is nested 16 deep. Each reader has a limit of its own; Python's lies below 500.
MAX_DEPTH = 100

# Members that do not count: in the versions that are compared, `id` is always equal, and `name` always differs.
_IDENTITY = {"id", "name"}
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_WHITE_SPACE = list(b" \t\n\r")

_encode = msgspec.json.Encoder(order="sorted").encode
_encode_as_found = msgspec.json.Encoder().encode


class _Named(msgspec.Struct):
    name: Any = None


_named = msgspec.json.Decoder(_Named)

# What reading a document raises that `json_problem` refuses.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def json_problem(body: bytes) -> str | None:
    """Say why a body is no document that the lake accepts, None if it is one: JSON in UTF-8 that all read alike.

    Readers of JSON disagree about a name that stands twice in one object, a number beyond the range of a double, and
    half of a surrogate pair, so a body with one of these is refused. So is one that is nested deeper than `MAX_DEPTH`.
    The crawl keeps no other documents. A lake that an earlier version filled may hold some that are refused here.

    >>> json_problem(b'{"id": 25, "name": "pikachu"}')
    >>> json_problem(b'{"id": 25, "height": 4, "height": 5}')
    "invalid JSON: expected every name once in an object, found 'height' twice"
    """
    if _depth(body) > MAX_DEPTH:
        return f"invalid JSON: nested more than {MAX_DEPTH} deep"
    try:
        body.decode("utf-8", errors="strict")
        # What is spelled as this encoder spells it has every name once, and nearly all documents are.
        if _encode_as_found(msgspec.json.decode(body)) != body:
            json.loads(body, object_pairs_hook=_require_names_once)
    except (msgspec.DecodeError, ValueError) as error:
        return f"invalid JSON: {error}"
    return None


def _depth(body: bytes) -> int:
    """Return how many objects and arrays lie in one another at most."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    text = np.frombuffer(body.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
    is_text = np.cumsum(text == ord('"'), dtype=np.uint8) & 1
    # This bit tells brackets from braces.
    brackets = text | 0x20
    steps = np.where(is_text, 0, (brackets == ord("{")).astype(np.int8) - (brackets == ord("}")).astype(np.int8))
    return int(np.cumsum(steps, dtype=np.int64).max())


def _require_names_once(members: list[tuple[str, Any]]) -> None:
    names = set[str]()
    for name, _ in members:
        if name in names:
            raise ValueError(f"expected every name once in an object, found {name[:80]!r} twice")
        names.add(name)


def same_content(one: bytes, other: bytes, ordered: bool = False) -> bool:
    """Tell whether two documents differ at most in white space and in the order of keys and lists.

    If `ordered`, the order of lists counts. A text or number that is spelled differently is different content. So is
    whatever differs in a document that `json_problem` refuses and an earlier version kept.
    """
    # Another order only permutes the bytes, so other counts of bytes mean other content; few pairs are left to decode.
    if not np.array_equal(_histogram(one), _histogram(other)):
        return False
    try:
        return canonical_hash(one, ordered) == canonical_hash(other, ordered)
    except _UNREADABLE:
        return one == other


def canonical_hash(body: bytes, ordered: bool = False) -> str:
    """Return the SHA-256 of a document's canonical form, in hexadecimal: keys sorted, and lists unless `ordered`."""
    return sha256(_canonical(msgspec.json.decode(body), ordered)).hexdigest()


def name_of(body: bytes) -> str | None:
    """Return the top-level `name` of a document; None if it has none that is a string."""
    try:
        name = _named.decode(body).name
    except _UNREADABLE:
        # The document may be whole, but no object: the encounters of a Pokémon, for example, are a list.
        return None
    return name if isinstance(name, str) else None


def is_same_thing(one: bytes, other: bytes, ordered: bool = False) -> bool:
    """Tell whether two objects with one id are about the same thing.

    They are if at least half of their top-level members are equal, not counting `id`, `name` and members that are empty
    in both. Links are compared by their URLs, because a name that changed stands in links to the document as well.
    """
    try:
        before, after = _without_link_names(msgspec.json.decode(one)), _without_link_names(msgspec.json.decode(other))
    except _UNREADABLE:
        return False
    names = [
        name
        for name in before.keys() | after.keys()
        if name not in _IDENTITY and not (before.get(name) in _EMPTY and after.get(name) in _EMPTY)
    ]
    alike = sum(_canonical(before.get(name), ordered) == _canonical(after.get(name), ordered) for name in names)
    return alike >= RESEMBLANCE * len(names)


def _histogram(body: bytes) -> npt.NDArray[np.intp]:
    """Return how often each byte occurs, without white space."""
    counts = np.bincount(np.frombuffer(body, np.uint8), minlength=256)
    counts[_WHITE_SPACE] = 0
    return counts


def _canonical(value: Any, ordered: bool) -> bytes:
    if isinstance(value, dict):
        return _encode({name: msgspec.Raw(_canonical(item, ordered)) for name, item in value.items()})
    if isinstance(value, list):
        items = [_canonical(item, ordered) for item in value]
        return _encode([msgspec.Raw(item) for item in (items if ordered else sorted(items))])
    return _encode(value)


def _without_link_names(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_link_names(item) for item in value]
    if isinstance(value, dict):
        return (
            value["url"] if value.keys() == {"name", "url"} else {k: _without_link_names(v) for k, v in value.items()}
        )
    return value
