"""Reads typed members of a JSON object, for the few tables that have a function of their own.

A value of another type is reported and becomes null.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from lake.schema import Report

_T = TypeVar("_T")

# Neither with a user nor with a backslash or a blank, which programs read differently.
_HOST = re.compile(r"(?:https?:)?//(?P<host>\[[^\]]*\]|[^/?#:@\\\s]*)(?::[0-9]{1,5})?(?=[/?#])[^\\\s]*", re.IGNORECASE)
_RELATIVE = re.compile(r"(?!//|[A-Za-z][A-Za-z0-9+.-]*:)[^\\\s]*")
_URL_ENDING = re.compile(r"/(?P<resource>[a-z][a-z0-9-]*)/(?P<id>-?[0-9]{1,9})/?$")


def url_id(url: str, resource: str, hosts: Collection[str] | None = None) -> int | None:
    """Return the id at the end of a URL of one resource, None for a URL of another form.

    `hosts` are the names, in lower case, of the hosts that the URL may have; None allows all.

    >>> url_id("https://pokeapi.co/api/v2/pokemon/25/", "pokemon")
    25
    """
    match = _URL_ENDING.search(url)
    if match is None or match["resource"] != resource or (hosts is not None and _host(url) not in (None, *hosts)):
        return None
    return int(match["id"])


def is_of(url: str, hosts: Collection[str]) -> bool:
    """Tell whether a URL that ends in an id points at one of the hosts; one without a host does, as any other URL.

    >>> is_of("https://pokeapi.co/api/v2/pokemon/25/", {"pokeapi.co"}), is_of("/api/v2/pokemon/25/", {"pokeapi.co"})
    (True, True)
    >>> is_of("https://example.com/api/v2/pokemon/25/", {"pokeapi.co"}), is_of("https://example.com/25.png", ())
    (False, True)
    """
    return _URL_ENDING.search(url) is None or _host(url) in (None, *hosts)


def _host(url: str) -> str | None:
    """Return the host in a URL, in lower case; None if it is relative, an empty one if it is no HTTP address."""
    if _RELATIVE.fullmatch(url):
        return None
    match = _HOST.fullmatch(url)
    return match["host"].lower() if match else ""


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
