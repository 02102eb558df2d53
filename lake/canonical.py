"""The content of a JSON document, without the order of its keys and of lists whose order means nothing."""

from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

# Two documents are about the same thing if at least this share of their members is equal.
RESEMBLANCE = 0.5

# Members that do not count: in the versions that are compared, `id` is always equal, and `name` always differs.
_IDENTITY = {"id", "name"}
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_WHITE_SPACE = list(b" \t\n\r")

_encode = msgspec.json.Encoder(order="sorted").encode


class _Named(msgspec.Struct):
    name: Any = None


_named = msgspec.json.Decoder(_Named)

# What reading a document raises that `body_problem` refuses.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def same_content(one: bytes, other: bytes, ordered: bool = False) -> bool:
    """Tell whether two documents differ at most in white space and in the order of keys and lists.

    If `ordered`, the order of lists counts. A text or number that is spelled differently is different content. So is
    whatever differs in a document that `body_problem` refuses and an earlier version kept.
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


def name_of(body: bytes | pa.Buffer) -> str | None:
    """Return the top-level `name` of a document; None if it has none that is a string."""
    try:
        name = _named.decode(body).name
    except _UNREADABLE:
        # The document may be whole, but no object: the encounters of a Pokémon, for example, are a list.
        return None
    return name if isinstance(name, str) else None


def is_same_thing(one: bytes | pa.Buffer, other: bytes | pa.Buffer, ordered: bool = False) -> bool:
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
