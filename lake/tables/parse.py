"""Parses JSON documents into nested Arrow columns of the types that the tables declare."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from lake.decode import Digits, decode
from lake.schema import GENERATION, SPECIES_GENERATION, Field, Table, is_reference
from lake.tables.paths import quoted, steps

# Arrow parses blocks in parallel; smaller ones cost more to stitch together than they gain.
_BLOCK_BYTES = 4 << 20

_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "bool": bool, "double": (int, float)}


@dataclass(frozen=True, slots=True)
class Drift:
    """One value that is not as declared: where, expected, found. It landed as null.

    If it is worse than that, `document` is the id of a document that a table cannot take as it is.
    """

    path: str
    expected: str
    found: str
    document: int | None = None

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class _Node:
    """A place in a document: a leaf with a type, an object with members, or a list of either."""

    is_list: bool = False
    leaf: pa.DataType | None = None
    members: "dict[str, _Node]" = field(default_factory=dict)

    def type(self) -> pa.DataType:
        inner = self.leaf or pa.struct([(name, node.type()) for name, node in self.members.items()])
        return pa.list_(inner) if self.is_list else inner


def document_schema(tables: Iterable[Table]) -> pa.Schema:
    """Return the nested schema of one resource's documents, with only the members that its tables read."""
    root = _Node()
    for table in tables:
        for declared in table.fields:
            for path in declared.paths:
                if path == SPECIES_GENERATION:
                    _plant(root, "species.url", pa.string())
                elif path and not path.startswith("@") and (table.fill is None or declared.name == GENERATION):
                    _plant(root, path, _json_type(declared, path))
        if table.rows and table.fill is None:
            _plant(root, table.rows, None)
    return pa.schema([(name, node.type()) for name, node in root.members.items()])


def _json_type(field: Field, path: str) -> pa.DataType:
    """Return the type of a field's value in the JSON: a string for a URL or a time, int32 for a short integer."""
    if is_reference(field, path) or pa.types.is_temporal(field.type):
        return pa.string()
    return pa.int32() if pa.types.is_integer(field.type) and field.type != pa.int64() else field.type


def _plant(root: _Node, path: str, leaf: pa.DataType | None) -> None:
    node = root
    for name, is_list in steps(path):
        node = node.members.setdefault(name, _Node())
        node.is_list = node.is_list or is_list
    if leaf is not None:
        assert node.leaf in (None, leaf), f"{path} is declared as {node.leaf} and as {leaf}"
        node.leaf = leaf


def parse(
    bodies: pa.StringArray, schema: pa.Schema, change: Callable[[Any], Any] | None = None
) -> tuple[pa.StructArray, list[Drift]]:
    """Parse JSON texts into one struct each, in order; members that `schema` does not declare are skipped.

    A value of another type becomes null and is reported. What `change` returns takes the place of a document.
    """
    if len(bodies) == 0 or len(schema) == 0:
        return pa.nulls(len(bodies), pa.struct(list(schema))), []
    drifts: list[Drift] = []
    if change is None:
        with suppress(pa.ArrowInvalid):
            return _read(bodies, schema), []
        documents = [_decoded(body, drifts) for body in bodies.to_pylist()]
    else:
        documents = [change(_decoded(body, drifts)) for body in bodies.to_pylist()]
        # Digits of a number that no machine holds cannot be encoded.
        with suppress(pa.ArrowInvalid, TypeError):
            return _read(_encoded(documents), schema), drifts
    return _read(_encoded(_repaired(document, schema, drifts) for document in documents), schema), drifts


def parse_exactly(bodies: pa.StringArray, schema: pa.Schema) -> pa.StructArray | None:
    """Parse JSON texts as `parse` does; None if one has a member that `schema` has not, or a value of another type."""
    with suppress(pa.ArrowInvalid):
        return _read(bodies, schema, "error")
    return None


def _encoded(documents: Iterable[dict[str, Any]]) -> pa.StringArray:
    return pa.array([msgspec.json.encode(document) for document in documents], pa.binary()).cast(pa.string())


def _read(bodies: pa.StringArray, schema: pa.Schema, unexpected: str = "ignore") -> pa.StructArray:
    """Parse JSON objects, and raise `pa.ArrowInvalid` if one is none; Arrow crashes at a document that is ``null``."""
    if not pc.all(pc.match_substring_regex(bodies, r"^[ \t\r\n]*\{")).as_py():
        raise pa.ArrowInvalid("expected objects")
    lines = pc.binary_join_element_wise(bodies, "", "\n")
    # The last buffer of a string array holds all texts end to end: here, one JSON document per line.
    text = lines.buffers()[2]
    longest = pc.max(pc.binary_length(lines)).as_py()
    table = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(block_size=max(_BLOCK_BYTES, longest + 1)),
        parse_options=pj.ParseOptions(
            explicit_schema=schema,
            unexpected_field_behavior=unexpected,
            newlines_in_values=pc.any(pc.match_substring(bodies, "\n")).as_py() is True,
        ),
    )
    if table.num_rows != len(bodies):
        raise pa.ArrowInvalid(f"expected {len(bodies)} objects, found {table.num_rows}")
    return pa.concat_arrays(table.select(schema.names).to_struct_array().chunks)


def _decoded(body: str, drifts: list[Drift]) -> dict[str, Any]:
    """Return a document; an empty one if it cannot be read."""
    try:
        document = decode(body)
    except ValueError as error:
        drifts.append(Drift("", "a readable document", str(error)))
        return {}
    if not isinstance(document, dict):
        drifts.append(Drift("", "an object", type(document).__name__))
        return {}
    return document


def _repaired(document: dict[str, Any], schema: pa.Schema, drifts: list[Drift]) -> dict[str, Any]:
    """Return a document of the declared shape, with null in the place of each value of another type."""
    return {item.name: _fit(document.get(item.name), item.type, quoted(item.name), drifts) for item in schema}


def _fit(value: Any, type_: pa.DataType, path: str, drifts: list[Drift]) -> Any:
    if value is None:
        return None
    if pa.types.is_list(type_) and isinstance(value, list):
        return [_fit(item, type_.value_type, f"{path}[]", drifts) for item in value]
    if pa.types.is_struct(type_) and isinstance(value, dict):
        below = {item.name: f"{path}.{quoted(item.name)}" for item in type_}
        return {item.name: _fit(value.get(item.name), item.type, below[item.name], drifts) for item in type_}
    if pa.types.is_integer(type_):
        bits = type_.bit_width - 1
        fits = type(value) is int and -(2**bits) <= value < 2**bits
    else:
        python_type = _PYTHON_TYPES.get(str(type_))
        fits = python_type is not None and isinstance(value, python_type) and not isinstance(value, Digits)
        fits = fits and (isinstance(value, bool) == pa.types.is_boolean(type_))
    if fits:
        return value
    drifts.append(Drift(path, str(type_), f"{type(value).__name__} {str(value)[:60]!r}"))
    return None
