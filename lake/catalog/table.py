"""A table of a snapshot as Glue describes it; one update of that moves all of its partitions to another snapshot.

Its partitions are no entries of Glue, which could be changed only one after the other: Athena computes them from the
table's own properties (partition projection).
"""

from collections.abc import Mapping
from typing import Any

from lake.catalog.hive import checked, comment, hive_type
from lake.commit import Commit, TableFiles
from lake.errors import CatalogError
from lake.fields import Entries, read_fields
from lake.layout import table_folder
from lake.store import Store

# What Glue keeps of a column and of a table, in bytes.
COMMENT_BYTES, DESCRIPTION_BYTES = 255, 2048

# Properties of a table, and of a database, that say whose it is and what it shows.
LAKE, SNAPSHOT, TABLE = "pokelake.lake", "pokelake.snapshot", "pokelake.table"

_PARTITION = "Partition, from the path of the file; a query that names it reads only the files that can match."

_FORMAT = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}


def catalog_names(commit: Commit) -> dict[str, str]:
    """Return each table of a snapshot by its name in the catalog, which has underscores where a table has hyphens.

    Raises:
        CatalogError: Two tables would have one name.
    """
    names = {name.replace("-", "_"): name for name in sorted(commit.tables)}
    if lost := sorted(commit.tables.keys() - names.values()):
        raise CatalogError(f"tables {', '.join(lost)}: expected names that differ in more than hyphens and underscores")
    return names


def table_input(store: Store, commit: Commit, name: str) -> dict[str, Any]:
    """Return what Glue keeps of a table: types and meanings of its columns, its folder, and how partitions are found.

    Raises:
        CatalogError: A column has a type or a name that Hive does not know.
        StoreError: The list of its fields cannot be read.
    """
    table = commit.tables[name]
    location = f"{store.uri(table_folder(commit.snapshot, name))}/"
    columns = [_column(name, entry) for entry in _fields(store, table)]
    keys, projection = _partition(table, location)
    if keys and keys[0]["Name"] in {column["Name"] for column in columns}:
        raise CatalogError(f"table {name}: expected no column with the name of its partition, {keys[0]['Name']}")
    properties = {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        LAKE: store.uri(),
        SNAPSHOT: commit.snapshot,
        TABLE: name,
        **projection,
    }
    said = {"Description": comment(table.grain, DESCRIPTION_BYTES, f"pokelake columns {name}")} if table.grain else {}
    return {
        "Name": checked(name.replace("-", "_")),
        **said,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": properties,
        "PartitionKeys": keys,
        "StorageDescriptor": {"Columns": columns, "Location": location, **_FORMAT},
    }


def _fields(store: Store, table: TableFiles) -> Entries:
    return read_fields(store, table.schema) if table.schema is not None else table.fields


def _column(table: str, entry: Mapping[str, Any]) -> dict[str, str]:
    name = str(entry["name"])
    try:
        column = {"Name": checked(name), "Type": hive_type(str(entry["type"]))}
    except CatalogError as error:
        raise CatalogError(f"table {table}, column {name}: {error}") from error
    unit = f" Unit: {entry['unit']}." if entry.get("unit") else ""
    meaning = comment(f"{entry.get('description', '')}{unit}", COMMENT_BYTES, f"whole: pokelake columns {table}")
    return {**column, "Comment": meaning} if meaning else column


def _partition(table: TableFiles, location: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Return the partition's column, and the properties by which Athena computes its values and their folders."""
    name, values = table.partition, {file.partition for file in table.files} - {None}
    if name is None:
        return [], {}
    numbers = sorted(value for value in values if isinstance(value, int))
    column = {"Name": checked(name), "Type": "int" if numbers else "string", "Comment": _PARTITION}
    if numbers:
        kind = {"type": "integer", "range": f"{numbers[0]},{numbers[-1]}"}
    else:
        kind = {"type": "enum", "values": ",".join(sorted(map(str, values)))}
    return [column], {
        "projection.enabled": "true",
        **{f"projection.{name}.{setting}": value for setting, value in kind.items()},
        "storage.location.template": f"{location}{name}=${{{name}}}/",
    }
