"""Laws of inferred tables: no order matters, nothing changes by itself, and no path is two things."""

import re
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given

from lake.layout import TableName
from lake.schema import BODY, KEY, Field, Table
from lake.table_settings import COLUMN_TYPES, ColumnSettings, TableSettings
from lake.tables.inferred import NOTHING, Declared, Key, Shape, bounds, declare, grown, joined, shape
from lake.tables.inferred.known import fields_of
from lake.tables.inferred.places import below, is_within, row_of
from lake.tables.inferred.said import is_path, split
from tests.lake.tables.inferred import Odd, bodies, randoms

TABLE_NAME = re.compile(TableName.__metadata__[0].pattern)
COLUMN_NAME = re.compile("[a-z_][a-z0-9_]{0,62}")
RESOURCES = ("trainer", "trainer-a", "documents")
BY_ITSELF = {"new-table", "new-column", "widened", "retyped", "key", "dropped", "json"}
Settings = dict[str, TableSettings]


def shapes_of(odd: Odd) -> dict[str, Shape]:
    return {name: grown(NOTHING, bodies(*odd.documents())) for name in odd.random.sample(RESOURCES, 2)}


def keys_of(random: Random) -> dict[str, Key]:
    return {
        name: Key(random.choice(["id", "a", "a.b"]), random.choice([pa.int64(), pa.string()])) for name in RESOURCES
    }


def settings_of(random: Random, tables: tuple[Table, ...]) -> Settings:
    """Return settings of paths that tables have, of those around them, and of others."""
    found: Settings = {}
    for table in random.sample(tables, min(len(tables), 2)):
        paths = [path for field in table.fields for path in field.paths if not path.startswith("@")]
        around = [*paths, *(path.rpartition(".")[0] for path in paths), table.rows, table.rows[:-2], "new", "new.b[].c"]
        own = [path.removeprefix(table.rows).removeprefix(".") for path in around] + ["", "b..a", "c[][]"]
        columns = {
            random.choice(own): ColumnSettings(
                name=random.choice(["", "a", "id", "b_2"]),
                type=random.choice(COLUMN_TYPES),
                unit=random.choice(["", "m"]),
            )
            for _ in range(random.randint(0, 3))
        }
        found[f"{table.resources[0]}.{table.rows}".removesuffix(".")] = TableSettings(
            name=random.choice(["", "", "documents", "trainer"]),
            key=random.choice(["", *own]),
            partition=random.choice(["", *own]),
            omit=tuple(random.choices(own, k=random.randint(0, 1))),
            columns=tuple(columns.items()),
        )
    return found


def columns_of(tables: tuple[Table, ...], resource: str) -> dict[str, Field]:
    return fields_of([table for table in tables if table.resources == (resource,)])


def shuffled(random: Random, mapping: Mapping) -> dict:
    return dict(random.sample(list(mapping.items()), len(mapping)))


def require_sound(found: Declared, settings: Settings) -> None:
    names = [table.name for table in found.tables]
    assert len(set(names)) == len(names)
    assert not {*names} & {"documents", "document_index", "document_values"}
    assert [(table.resources, table.rows) for table in found.tables] == sorted(
        {(table.resources, table.rows) for table in found.tables}
    )
    for table in found.tables:
        assert TABLE_NAME.match(table.name), table.name
        columns = [field.name for field in table.fields]
        assert len(set(columns)) == len(columns)
        assert all(map(COLUMN_NAME.fullmatch, columns)), columns
        assert table.primary_key == tuple(columns[: 2 if table.rows else 1])
        inferred = [field.path.replace(BODY, "") for field in table.fields if field.nullable]
        assert inferred == sorted(inferred)
        assert all(path == KEY or row_of(path) == table.rows for path in inferred)
        assert table.schema.names == columns
    for resource in {table.resources[0] for table in found.tables}:
        require_apart([table for table in found.tables if table.resources == (resource,)])
    for name, said in settings.items():
        resource, rows = split(name)
        paths = columns_of(found.tables, resource)
        lists = [table.rows for table in found.tables if table.resources == (resource,)]
        for omitted in (below(rows, path) for path in said.omit if path and is_path(below(rows, path))):
            assert not [path for path in (*paths, *lists) if is_within(path, omitted)], omitted
            assert not [path for path in paths if paths[path].is_json and is_within(omitted, path)], omitted


def require_apart(tables: list[Table]) -> None:
    """Tell that no column has another one, or a table, below it; only a key may stand in the whole document as well."""
    columns = {path: field for path, field in fields_of(tables).items() if path != KEY}
    inner = [path for path, field in columns.items() if field.nullable] + [table.rows for table in tables]
    assert [
        (one, other) for one in columns for other in inner if one not in (KEY, other) and is_within(other, one)
    ] == []


@given(randoms)
def test_tables_grow_and_nothing_else_changes_them(random):
    """A chain of snapshots, with low bounds, and with settings from some of them on."""
    odd = Odd(random)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "MEMBERS", random.randint(3, 8))
        patch.setattr(shape, "DEPTH", random.randint(2, 5))
        patch.setattr(bounds, "COLUMNS", random.randint(2, 6))
        patch.setattr(bounds, "TABLES", random.randint(1, 4))
        shapes, keys, before = dict[str, Shape](), keys_of(random), ()
        said = dict[str, Settings]()
        settings = Settings()
        for _ in range(4):
            shapes |= {name: joined(shapes.get(name, NOTHING), found) for name, found in shapes_of(odd).items()}
            looked_at = {name: shapes[name] for name in random.sample(list(shapes), 2)}
            settings = settings_of(random, before) if random.random() < 0.3 else settings
            found = declare(looked_at, keys, before, settings)
            require_sound(
                found, {name: table for name, table in settings.items() if name.partition(".")[0] in looked_at}
            )
            given = [shuffled(random, given) for given in (looked_at, keys, settings)]
            assert declare(given[0], given[1], random.sample(before, len(before)), given[2]) == found
            again = declare(looked_at, keys, found.tables, settings)
            assert again.tables == found.tables
            assert not {note.kind for note in again.notes} & BY_ITSELF, again.notes
            changed = {name for name in looked_at if said.get(name, settings) != settings}
            if not changed:
                require_kept(before, found)
            said |= dict.fromkeys(looked_at, settings)
            before = found.tables


def require_kept(before: tuple[Table, ...], found: Declared) -> None:
    """Tell that all columns are there with their names and types, but for integers that are doubles from here on."""
    widened = {(note.resource, note.path) for note in found.notes if note.kind == "widened"}
    for table in before:
        [kept] = [other for other in found.tables if (other.resources, other.rows) == (table.resources, table.rows)]
        fields = {field.name: field for field in kept.fields}
        for field in table.fields:
            is_wider = (table.resources[0], field.path) in widened
            assert fields[field.name] == (replace(field, type=pa.float64()) if is_wider else field)
        assert replace(kept, fields=()) == replace(table, fields=())
