"""Reads typed members of a JSON object, for the few tables that have a function of their own.

A value of another type is reported and becomes null.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lake.address import joined, spelled, spelled_path
from lake.schema import Report

_T = TypeVar("_T")

_REFERENCE = re.compile(r"/(?P<resource>[a-z][a-z0-9-]*)/(?P<id>-?[0-9]{1,9})/?\Z")


def url_id(url: str, resource: str, bases: frozenset[str] | None = None) -> int | None:
    """Return the id at the end of a URL of one resource, in any spelling; None for a URL of another form.

    `bases` are the addresses of the sources below which the URL must lie, as `lake.address.spelled` returns them; None
    allows all.

    >>> url_id("https://pokeapi.co/api/v2/pokemon/25/", "pokemon")
    25
    """
    match = _reference(url, bases)
    return int(match["id"]) if match and match["resource"] == resource else None


def is_of(url: str, bases: frozenset[str]) -> bool:
    """Tell whether a URL that ends in an id lies below one of the sources; any other URL is no reference, and may.

    >>> pokeapi = frozenset({"https://pokeapi.co/api/v2/"})
    >>> is_of("https://pokeapi.co/api/v2/pokemon/25/", pokeapi), is_of("/api/v2/pokemon/25/", pokeapi)
    (True, True)
    >>> is_of("https://example.com/api/v2/pokemon/25/", pokeapi), is_of("https://example.com/25.png", pokeapi)
    (False, True)
    """
    return _reference(url, None) is None or _reference(url, bases) is not None


def _reference(url: str, bases: frozenset[str] | None) -> re.Match[str] | None:
    """Return the resource and the id that a URL ends in; None if it does not, or lies below none of `bases`."""
    match = _REFERENCE.search(url)
    if bases is None:
        return match or _REFERENCE.search(spelled_path(url))
    # Nearly all references begin as they should, letter by letter, and to take an address apart is slow.
    if match and url[: match.start() + 1] in _beginnings(bases):
        return match
    for base in bases:
        # A relative URL is relative to its document, wherever that lies below the source.
        absolute = joined(f"{base}resource/1/", url)
        address = spelled(absolute) if absolute else None
        match = _REFERENCE.search(address) if address else None
        if address and match and address[: match.start() + 1] in bases:
            return match
    return None


@lru_cache(maxsize=8)
def _beginnings(bases: frozenset[str]) -> frozenset[str]:
    """Return what an absolute URL below one of the sources begins with, and what one without a host does."""
    return bases | {urlsplit(base).path for base in bases}


def reference_id(owner: dict[str, Any], member: str, resource: str, report: Report) -> int | None:
    """Return the id that ``owner[member].url`` points at; null stays null."""
    value = owner.get(member)
    if value is None:
        return None
    url = value.get("url") if isinstance(value, dict) else None
    found = url_id(url, resource) if isinstance(url, str) else None
    if found is None:
        report(member, f"an object with a URL ending in /{resource}/<id>/", url or value)
    return found


def elements(owner: dict[str, Any], member: str, report: Report) -> list[Any]:
    """Return a list; what is none is reported and has no elements."""
    value = owner.get(member)
    if isinstance(value, list):
        return value
    report(member, "a list", value)
    return []


def objects(values: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield the elements of a list, and raise `TypeError` at one that is no object."""
    for value in values:
        if not isinstance(value, dict):
            raise TypeError(f"expected an object, found {value!r:.60}")
        yield value


def number(owner: dict[str, Any], member: str, report: Report) -> int | None:
    """Return an integer member that a column of 32 bits can hold; null stays null."""
    value = _typed(owner, member, int, report)
    if value is None or -(2**31) <= value < 2**31:
        return value
    report(member, "int32", value)
    return None


def truth(owner: dict[str, Any], member: str, report: Report) -> bool | None:
    """Return a boolean member; null stays null."""
    return _typed(owner, member, bool, report)


def text(owner: dict[str, Any], member: str, report: Report) -> str | None:
    """Return a string member; null stays null."""
    return _typed(owner, member, str, report)


def _typed(owner: dict[str, Any], member: str, type_: type[_T], report: Report) -> _T | None:
    value = owner.get(member)
    if value is None or type(value) is type_:
        return value
    report(member, type_.__name__, value)
    return None
