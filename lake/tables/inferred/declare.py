"""Declares the tables of resources whose documents nobody declared, from the shapes of the documents."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lake.schema import KEY, Table
from lake.table_settings import TableSettings
from lake.tables.inferred.bounds import fit_columns, fit_tables
from lake.tables.inferred.build import Resource, tables_of
from lake.tables.inferred.known import Key, known
from lake.tables.inferred.names import all_named, granted, table_name
from lake.tables.inferred.notes import Note, Unfit, notes_of, unknown_resources
from lake.tables.inferred.places import row_of
from lake.tables.inferred.plan import planned
from lake.tables.inferred.said import Said, said_of
from lake.tables.inferred.shape import Shape

# The names of the lake's own tables.
RESERVED = ("documents", "document_index", "document_values")


@dataclass(frozen=True, slots=True)
class Declared:
    """Tables by resource and list, and what is new or was not done about them."""

    tables: tuple[Table, ...]
    notes: tuple[Note, ...]


def declare(
    shapes: Mapping[str, Shape],
    keys: Mapping[str, Key],
    before: Sequence[Table],
    settings: Mapping[str, TableSettings],
) -> Declared:
    """Declare the tables of each resource in `shapes`, which must be those of all its documents.

    `keys` are their ids, and `before` the tables of the snapshot before, of any resource: those of resources that are
    not in `shapes` stay, and of the others every column keeps its name and its type, but for integers that become
    doubles. What `settings` say of a resource, or of a list in it, goes before either. Columns stand in the order of
    their paths, so neither the documents' order nor that of any mapping matters.
    """
    others = [table for table in before if not {*table.resources} & shapes.keys()]
    found, notes = list[tuple[Resource, Unfit]](), unknown_resources(settings, shapes, others)
    for name in sorted(shapes):
        own = [table for table in before if name in table.resources]
        found.append(_resource(name, shapes[name], keys[name], own, said_of(settings, name)))
    names = _table_names([resource for resource, _ in found], [table.name for table in others])
    tables = list(others)
    for resource, unfit in found:
        made = tables_of(resource, {rows: names[resource.name, rows] for rows in resource.rows})
        tables += made
        notes += notes_of(resource, unfit, shapes[resource.name], made)
    tables.sort(key=lambda table: (table.resources, table.rows))
    return Declared(tuple(tables), tuple(sorted(notes)))


def _resource(name: str, shape: Shape, key: Key, before: Sequence[Table], said: Said) -> tuple[Resource, Unfit]:
    """Return all that the tables of a resource are made of, and what did not fit into them."""
    settled = known(shape, key, before, said)
    columns = {path for path in settled.columns if not path.startswith("@")}
    kept = columns | ({settled.key[0]} if settled.key[0] != KEY else set())
    rows = {*settled.tables, *map(row_of, columns)}
    # The id is the key, or a column already.
    of_id = {key.path} if KEY in (settled.key[0], *settled.columns) else set()
    plan = planned(shape, kept, rows, {*said.omitted, *of_id})
    fit_tables(plan, kept, rows)
    omitted = fit_columns(plan, columns, rows, settled.fields.keys() & columns)
    hidden = [path for path, column in plan.columns.items() if column.is_json and said.hides(path)]
    found = {path: column for path, column in plan.columns.items() if path not in hidden}
    resource = Resource(name, key.path, said, settled, {**found, **settled.columns}, {"", *rows, *plan.rows})
    return resource, Unfit(omitted, hidden, plan.closed)


def _table_names(resources: Sequence[Resource], taken: Collection[str]) -> dict[tuple[str, str], str]:
    """Return the names of tables by resource and list: those of settings first, then those of before."""
    places = [(resource, rows) for resource in resources for rows in resource.rows]
    said = {(of.name, rows): table.name for of, rows in places if (table := of.said.tables.get(rows)) and table.name}
    before = {(of.name, rows): of.known.tables[rows].name for of, rows in places if rows in of.known.tables}
    documents = {(of.name, ""): table_name(of.name) for of in resources}
    lists = {(of.name, rows): table_name(of.name, rows) for of, rows in places}
    names = granted(said, before, {*RESERVED, *taken})
    for wanted in (before, documents, lists):
        new = {place: wanted[place] for place in wanted.keys() - names.keys()}
        names |= all_named(new, {*RESERVED, *taken, *names.values()})
    return names
