"""What a JSON document says, whatever the order of its keys and of the lists whose order says nothing."""

from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

# Of what two documents say, the least share that is alike when both are about one thing.
RESEMBLANCE = 0.5

# Members that are alike in every version of a document, or unlike in every one that is looked at.
_IDENTITY = {"id", "name"}
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_WHITE_SPACE = list(b" \t\n\r")

_encode = msgspec.json.Encoder(order="sorted").encode


class _Named(msgspec.Struct):
    name: Any = None


_named = msgspec.json.Decoder(_Named)


def same_content(one: bytes, other: bytes, ordered: bool = False) -> bool:
    """Tell whether two documents differ in nothing but white space and the order of keys and lists.

    The order of lists counts where it is `ordered`. A text or number that is written in another way is other content.
    """
    # Order permutes bytes, so other bytes are other content; few pairs are left to be decoded.
    if not np.array_equal(_histogram(one), _histogram(other)):
        return False
    return canonical_hash(one, ordered) == canonical_hash(other, ordered)


def canonical_hash(body: bytes, ordered: bool = False) -> str:
    """Return the SHA-256 of a document's canonical form, in hexadecimal: keys sorted, and lists unless `ordered`."""
    return sha256(_canonical(msgspec.json.decode(body), ordered)).hexdigest()


def name_of(body: bytes) -> str | None:
    """Return the top-level `name` of a document, None where it has none that is a string."""
    try:
        name = _named.decode(body).name
    except msgspec.ValidationError:
        # Whole, but no object: the encounters of a Pokémon are a list.
        return None
    return name if isinstance(name, str) else None


def is_same_thing(one: bytes, other: bytes, ordered: bool = False) -> bool:
    """Tell whether two objects with one id are about one thing: what they say apart from their names is much the same.

    That is, at least half of the top-level members but `id` and `name`, and but those that are empty in both, are
    alike. Links count by their URLs, because a name that changed stands in links to the document as well.
    """
    before, after = _without_link_names(msgspec.json.decode(one)), _without_link_names(msgspec.json.decode(other))
    names = [
        name
        for name in before.keys() | after.keys()
        if name not in _IDENTITY and not (before.get(name) in _EMPTY and after.get(name) in _EMPTY)
    ]
    alike = sum(_canonical(before.get(name), ordered) == _canonical(after.get(name), ordered) for name in names)
    return alike >= RESEMBLANCE * len(names)


def _histogram(body: bytes) -> npt.NDArray[np.intp]:
    """Return how often each byte occurs, white space apart."""
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
