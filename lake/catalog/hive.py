"""Columns as Hive names them: types, names that need no quotes, and comments as long as Glue allows."""

import re
from collections.abc import Iterator

from lake.errors import CatalogError

# A name that needs quotes nowhere in Athena, unless it is one of its words.
NAME = re.compile(r"[a-z][a-z0-9_]{0,254}")

# Hive knows no unsigned integers: each gets the next larger type.
_TYPES = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "binary": "binary",
    "large_binary": "binary",
    "date32[day]": "date",
}
_DECIMAL = re.compile(r"decimal(?:32|64|128)\((\d+), (\d+)\)")
_NESTED = re.compile(r"(list|large_list|fixed_size_list|struct|map|dictionary)<(.*)>(?:\[\d+\])?")

_NULLABLE = " not null"


def hive_type(arrow: str) -> str:
    """Return the type of a column in Hive's words, given the name of its Arrow type.

    >>> hive_type("list<element: struct<name: string, caught_at: timestamp[ms, tz=UTC] not null>>")
    'array<struct<name:string,caught_at:timestamp>>'

    Raises:
        CatalogError: Hive has no such type.
    """
    arrow = arrow.removesuffix(_NULLABLE)
    if arrow in _TYPES:
        return _TYPES[arrow]
    if arrow.startswith("timestamp["):
        return "timestamp"
    if found := _DECIMAL.fullmatch(arrow):
        return f"decimal({found[1]},{found[2]})"
    if (found := _NESTED.fullmatch(arrow)) is None:
        raise CatalogError(f"expected a type that Hive knows, found {arrow}")
    kind, parts = found[1], list(_parts(found[2]))
    if kind == "struct":
        return f"struct<{','.join(_member(part) for part in parts)}>"
    if kind == "map":
        # An order of its keys stands after both types.
        return f"map<{','.join(hive_type(part) for part in parts[:2])}>"
    if kind == "dictionary":
        return hive_type(parts[0].removeprefix("values="))
    return f"array<{hive_type(parts[0].partition(': ')[2])}>"


def _parts(text: str) -> Iterator[str]:
    """Yield what commas separate outside of all brackets."""
    depth = begin = 0
    for place, letter in enumerate(text):
        depth += (letter in "<([") - (letter in ">)]")
        if letter == "," and depth == 0:
            yield text[begin:place].strip()
            begin = place + 1
    yield text[begin:].strip()


def _member(text: str) -> str:
    name, _, type_ = text.partition(": ")
    return f"{checked(name)}:{hive_type(type_)}"


def checked(name: str) -> str:
    """Return a name that needs no quotes.

    Raises:
        CatalogError: It needs some.
    """
    if not NAME.fullmatch(name):
        raise CatalogError(f"expected a name of small letters, digits and underscores, found {name!r}")
    return name


def comment(text: str, limit: int, whole: str) -> str:
    """Return a text of at most `limit` bytes in one line; one that is longer ends after a word and says where it is.

    >>> comment("Height of the Pokémon.", 20, "docs")
    'Height of … (docs)'
    """
    text = " ".join(text.split())
    if len(text.encode()) <= limit:
        return text
    rest = f" … ({whole})"
    kept = text.encode()[: limit - len(rest.encode()) + 1].decode(errors="ignore")
    return f"{kept.rpartition(' ')[0].rstrip(' .,;:')}{rest}"
