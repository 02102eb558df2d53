"""Reads typed members of a JSON object, for the few tables that have a function of their own.

A value of another type is reported and becomes null.
"""

import re
from typing import Any, TypeVar

from lake.schema import Report

_T = TypeVar("_T")

_URL_ENDING = re.compile(r"/(?P<resource>[a-z][a-z0-9-]*)/(?P<id>-?[0-9]{1,9})/?$")


def url_id(url: str, resource: str) -> int | None:
    """Return the id at the end of a URL of one resource, None for a URL of another form.

    >>> url_id("https://pokeapi.co/api/v2/pokemon/25/", "pokemon")
    25
    """
    match = _URL_ENDING.search(url)
    return int(match["id"]) if match is not None and match["resource"] == resource else None


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
