"""Declares a table once, with its grain, key, source and fields; the declaration travels in the Parquet."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from lake.errors import TableError

# A table with the field GENERATION is partitioned by it. In the path it is called PARTITION, because a reader cannot
# merge two columns of one name, one from the path and one from the file.
GENERATION = "generation_id"
PARTITION = "generation"

# The value of GENERATION if the source gives none, because readers cannot unify a null partition.
UNKNOWN_GENERATION = 0

# Paths of values that are not in the document's JSON.
# The resource's name.
RESOURCE = "@resource"
# A row's running number in the document, from 1. "@ordinal a[].b[]" is the number of that element of a[].b[] in which
# the row lies.
ORDINAL = "@ordinal"
# The generation of the species that the document belongs to.
SPECIES_GENERATION = "@species_generation"
# The id that the source's listing gives the document: the number, or the text where a hash stands for it.
KEY = "@key"
# The whole document as it was received.
BODY = "@body"

# The column with the id that a row's document is stored by. It goes with the rows of tables whose keys do not ascend as
# these ids do, and into no file.
DOCUMENT_ID = "@document"

Row = dict[str, Any]
# `report(path, expected, found)` notes a value that does not fit; null takes its place in the table.
Report = Callable[[str, str, Any], None]
Fill = Callable[[dict[str, Any], Report], Iterable[Row]]

# The types of pandas that can hold null, and NumPy's of numbers with a fraction, by the names of Arrow's.
NULLABLE = {
    **{f"int{bits}": f"Int{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UInt{bits}" for bits in (8, 16, 32, 64)},
    "bool": "boolean",
}
_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its meaning, and its path in the document.

    A `path` runs from the document's root, and ``[]`` enters a list: ``moves[].move.url``. Several paths are tried in
    turn. If `type` is an integer and the path ends in ``url``, the value is the id at the end of the URL, which must
    point at the resource `references`. `null_when` is a value that means null in the source, such as -1. `stand_ins`
    are values that are no such thing as the others, each with what it means: 0 where no generation is known. With
    `is_json` the column is a string that holds the value as JSON text, of whatever kind it is.
    """

    name: str
    type: pa.DataType
    description: str
    path: str | tuple[str, ...] = ()
    unit: str = ""
    nullable: bool = False
    references: str = ""
    null_when: int | str | None = None
    stand_ins: tuple[tuple[int | str, str], ...] = ()
    is_json: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths in the order in which they are tried."""
        return (self.path,) if isinstance(self.path, str) else self.path


def partition_column(partition: str | None) -> str:
    """Return the column of an inferred table whose partition has this name in the path; empty if it has none.

    >>> partition_column("sent_at_year"), partition_column(None)
    ('sent_at', '')
    """
    return (partition or "").rpartition("_")[0]


def is_reference(field: Field, path: str) -> bool:
    """Tell whether the value of a field at a path is the id at the end of a URL."""
    return bool(field.references) and pa.types.is_integer(field.type) and path.endswith("url")


@dataclass(frozen=True)
class Table:
    """One table: its grain, the resources whose documents fill it, and its fields.

    There is one row per element of the list at `rows`, or one per document if `rows` is empty. If a declaration cannot
    say how rows are made, `fill` turns one document into rows, without GENERATION. It gets only the document's id and
    the top-level members that the paths of these fields start with. Where several of its documents state the same, the
    columns `once`, the row of the first one stands for all; they must be few enough for one batch. A table that
    `is_inferred` was made from the documents of one resource, and nobody declared it. `partition_by` names a column
    whose values, or whose years if it is a time, are the partitions.
    """

    name: str
    grain: str
    resources: tuple[str, ...]
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    rows: str = ""
    fill: Fill | None = None
    once: tuple[str, ...] = ()
    is_inferred: bool = False
    partition_by: str = ""

    @property
    def partition(self) -> str | None:
        """The partition's name in the path, None for a table that has none."""
        if self.partition_by:
            is_time = pa.types.is_temporal(self.field(self.partition_by).type)
            return f"{self.partition_by}_{'year' if is_time else 'part'}"
        partitioned = any(field.name == GENERATION for field in self.fields) and GENERATION not in self.primary_key
        return PARTITION if partitioned else None

    @property
    def owner(self) -> str:
        """The column with the id of the document that a row is of: the first of the key beside the resource's name."""
        return next(name for name in self.primary_key if RESOURCE not in self.field(name).paths)

    def document_column(self, columns: Collection[str]) -> str:
        """Return the column with the id of the document that a row is of, in rows that have these columns."""
        return DOCUMENT_ID if DOCUMENT_ID in columns else self.owner

    def order(self, columns: Collection[str]) -> list[str]:
        """Return the columns by which rows that have these columns are in order: with DOCUMENT_ID, by that first."""
        return [*([DOCUMENT_ID] if DOCUMENT_ID in columns else []), *self.primary_key]

    @property
    def source(self) -> str:
        """The documents, and the list in them, that the rows come from."""
        return ", ".join(f"{name}/{{id}}" for name in self.resources) + (f" → {self.rows}" if self.rows else "")

    @property
    def never_null(self) -> frozenset[str]:
        """The columns that no file can hold a null of: the key, and what the partition is made of.

        Only keys are refused when null, because upstream has made other fields nullable overnight.
        """
        return frozenset(self.primary_key) | ({GENERATION} if self.partition == PARTITION else frozenset())

    @property
    def by(self) -> str | None:
        """The column whose values are the partitions, None for a table that has none."""
        return self.partition_by or (GENERATION if self.partition else None)

    @property
    def ascends(self) -> bool:
        """Whether its keys ascend as the ids do that the documents are stored by, as far as the documents' order goes.

        Those of a text, for which a hash stands, do not, and those that the document states itself may not.
        """
        return self.field(self.primary_key[0]).type != pa.string() and KEY in self.field(self.primary_key[0]).paths

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with the declaration and the pandas types as its metadata."""
        fields = [
            pa.field(
                field.name,
                field.type,
                nullable=field.name not in self.never_null,
                metadata={
                    key: text
                    for key, text in (
                        ("description", field.description),
                        ("unit", field.unit),
                        ("references", field.references),
                        ("stand_ins", json.dumps(dict(field.stand_ins), ensure_ascii=False) if field.stand_ins else ""),
                        ("source", " or ".join(field.paths)),
                        ("is_json", "true" if field.is_json else ""),
                    )
                    if text
                },
            )
            for field in self.fields
        ]
        declaration = {
            "table": self.name,
            "grain": self.grain,
            "source": self.source,
            "primary_key": ",".join(self.primary_key),
            "pandas": pandas_metadata(fields),
        }
        return pa.schema(fields, metadata=declaration)

    def field(self, name: str) -> Field:
        """Return the field of this name."""
        return next(field for field in self.fields if field.name == name)


def pandas_metadata(fields: Iterable[pa.Field]) -> str:
    """Return the ``pandas`` metadata by which pandas gives integers and booleans a type that can hold null.

    Fields that are not nullable have the plain type. It is written here, and not by pandas, because the bytes of a file
    must not depend on the version that is installed.
    """
    columns = [
        {
            "name": field.name,
            "field_name": field.name,
            "pandas_type": _kind(field.type),
            "numpy_type": _nullable(field.type) if field.nullable else _plain(field.type),
            "metadata": {"timezone": field.type.tz} if pa.types.is_timestamp(field.type) and field.type.tz else None,
        }
        for field in fields
    ]
    return json.dumps({"index_columns": [], "column_indexes": [], "columns": columns, "pandas_version": "3.0.0"})


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_timestamp(type_):
        return "datetimetz" if type_.tz else "datetime"
    return "unicode" if type_ == pa.string() else str(type_)


def _nullable(type_: pa.DataType) -> str:
    return NULLABLE.get(str(type_)) or _plain(type_)


def _plain(type_: pa.DataType) -> str:
    if pa.types.is_timestamp(type_):
        return f"datetime64[{type_.unit}]"
    return str(type_) if str(type_) in NULLABLE else _FLOATS.get(str(type_), "object")


def split_null(description: str) -> tuple[str, str | None]:
    """Split a field's description into the meaning of its values and that of null, None if it names none.

    >>> split_null("Place in PokeAPI's sorting. Null: none given, -1 in the source.")
    ("Place in PokeAPI's sorting.", 'none given, -1 in the source')
    >>> split_null("Height.")
    ('Height.', None)
    """
    values, null, meaning = description.partition("Null: ")
    return values.strip(), meaning.strip().removesuffix(".") if null else None


def conform(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Turn rows into Arrow under the table's schema.

    Raises:
        TableError: A row has a key that is not declared, lacks one that is, or holds a value of another type.
    """
    declared = {field.name for field in table.fields}
    kept = list(rows)
    for row in kept:
        if row.keys() != declared:
            lacking, foreign = sorted(declared - row.keys()), sorted(row.keys() - declared)
            raise TableError(f"{table.name}: row {dict(row)!r}: lacks {lacking}, has undeclared {foreign}")
    columns = []
    for field in table.fields:
        try:
            # First inferred, then cast: with a target type from the start, Arrow truncates 7.5 to 7.
            inferred = pa.array([row[field.name] for row in kept])
            if not _same_kind(inferred.type, field.type):
                raise pa.ArrowTypeError(f"found {inferred.type}")
            columns.append(inferred.cast(field.type, safe=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            raise TableError(f"{table.name}.{field.name}: expected {field.type}: {error}") from error
    return pa.Table.from_arrays(columns, schema=table.schema)


def _same_kind(found: pa.DataType, declared: pa.DataType) -> bool:
    """Tell whether a cast keeps the meaning. Arrow also casts "7" and True to 7, and 5 to "5", which do not."""
    if pa.types.is_null(found) or found == declared:
        return True
    return bool(pa.types.is_integer(found) and (pa.types.is_integer(declared) or pa.types.is_floating(declared)))


def dictionary_of(table: Table, null_counts: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
    """Return one entry per field, for a commit or a person: name, type, unit, description, and nulls if counted.

    Of an inferred table it also says where a value stands in a document, because the next snapshot keeps its columns.
    """
    return [
        {
            "name": field.name,
            "type": str(field.type),
            "nullable": field.nullable,
            **({"unit": field.unit} if field.unit else {}),
            "description": field.description,
            **({"path": field.paths[0]} if table.is_inferred else {}),
            **({"is_json": True} if field.is_json else {}),
            **({"nulls": null_counts[field.name]} if null_counts is not None else {}),
        }
        for field in table.fields
    ]
