"""Declares a ready view once: the query that makes it, and what each of its columns means, as `Table` does."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from lake.schema import Field, Table


@dataclass(frozen=True)
class View:
    """One question that is asked often, with its answer: made of the tables of a snapshot whenever somebody asks.

    `needs` names the tables that `sql` reads; the query gives the columns of `table` in their order.
    """

    table: Table
    needs: tuple[str, ...]
    sql: str

    @property
    def name(self) -> str:
        """The name that it is asked by."""
        return self.table.name

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with the declaration as its metadata."""
        made = {**(self.table.schema.metadata or {}), b"source": f"a view of {', '.join(self.needs)}".encode()}
        return self.table.schema.with_metadata(made)

    def lacking(self, tables: Iterable[str]) -> list[str]:
        """Return the tables that it needs and that are not among these."""
        found = set(tables)
        return [name for name in self.needs if name not in found]


def view(name: str, grain: str, primary_key: tuple[str, ...], needs: str, fields: Iterable[Field], sql: str) -> View:
    """Return a view; `needs` are the names of tables, separated by blanks."""
    return View(Table(name, grain, (), primary_key, tuple(fields)), tuple(needs.split()), sql.strip())


def whole(
    name: str, description: str, unit: str = "", references: str = "", stand_ins: tuple[tuple[int, str], ...] = ()
) -> Field:
    """Return a column of whole numbers; it may be null if its description says what null means."""
    return replace(_field(name, pa.int32(), description, unit, references), stand_ins=stand_ins)


def decimal(name: str, description: str, unit: str) -> Field:
    """Return a column of numbers with a fraction."""
    return _field(name, pa.float64(), description, unit)


def text(name: str, description: str) -> Field:
    """Return a column of texts."""
    return _field(name, pa.string(), description)


def truth(name: str, description: str) -> Field:
    """Return a column of truths."""
    return _field(name, pa.bool_(), description)


def _field(name: str, type_: pa.DataType, description: str, unit: str = "", references: str = "") -> Field:
    return Field(name, type_, description, unit=unit, nullable="Null: " in description, references=references)
