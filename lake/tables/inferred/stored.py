"""An inferred table as JSON: in a commit, and on its way to whoever builds it."""

import msgspec
import pyarrow as pa

from lake.schema import Field, Table

# By the name that Arrow gives a type.
_TYPES = {
    str(type_): type_
    for type_ in (
        pa.bool_(),
        pa.int64(),
        pa.float64(),
        pa.string(),
        pa.timestamp("us", "UTC"),
        pa.date32(),
        pa.int32(),
    )
}


class InferredField(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of an inferred table; see `lake.schema.Field`."""

    name: str
    type: str
    description: str
    path: str
    unit: str = ""
    nullable: bool = False
    is_json: bool = False


class InferredTable(msgspec.Struct, frozen=True, omit_defaults=True):
    """An inferred table; see `lake.schema.Table`."""

    name: str
    grain: str
    resource: str
    primary_key: tuple[str, ...]
    fields: tuple[InferredField, ...]
    rows: str = ""
    partition_by: str = ""

    @classmethod
    def of(cls, table: Table) -> "InferredTable":
        """Return a table that was inferred, as JSON can hold it."""
        fields = tuple(
            InferredField(
                field.name,
                str(field.type),
                field.description,
                field.paths[0],
                field.unit,
                field.nullable,
                field.is_json,
            )
            for field in table.fields
        )
        return cls(
            table.name, table.grain, table.resources[0], table.primary_key, fields, table.rows, table.partition_by
        )

    def table(self) -> Table:
        """Return the table."""
        fields = tuple(
            Field(
                field.name,
                _TYPES[field.type],
                field.description,
                field.path,
                field.unit,
                field.nullable,
                is_json=field.is_json,
            )
            for field in self.fields
        )
        return Table(
            self.name,
            self.grain,
            (self.resource,),
            self.primary_key,
            fields,
            self.rows,
            is_inferred=True,
            partition_by=self.partition_by,
        )
