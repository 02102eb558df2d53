"""What holds for every sample, resource and declaration: each law names all who break it."""

import random
import re
from collections.abc import Callable

import pyarrow as pa

from lake.schema import GENERATION, PARTITION, Field
from lake.tables import TABLES, build
from lake.tables.values import DOCUMENT_VALUES
from tests.lake.tables import (
    CATALOG,
    GENERATIONS,
    NAMES,
    RESOURCES,
    filled,
    received,
    resource_of,
    sample,
    tables,
    tables_of_sample,
)

# Of shuffles: with those of the samples of a resource, none of its orders is likely to be left out.
SEEDS = range(10)


def other_rows(changed: dict[str, dict]) -> list[str]:
    """Return the samples that become other rows, or are reported more, than before they were changed."""
    return [
        name
        for name, document in changed.items()
        if filled(resource_of(name), document) != (tables_of_sample(name), [])
    ]


def test_no_documents_become_no_rows_with_the_whole_schema():
    broken = []
    for resource in RESOURCES:
        built = build(CATALOG, resource, received(resource), {})
        assert [item.table for item in built] == list(CATALOG.tables_of(resource)), resource
        broken += [
            item.table.name
            for item in built
            if item.rows.num_rows or item.drifts or not item.rows.schema.equals(item.table.schema, check_metadata=True)
        ]
    assert broken == []


def test_rows_come_under_the_declared_schema():
    broken = []
    for name in NAMES:
        for item in build(CATALOG, resource_of(name), received(resource_of(name), sample(name)), {}):
            item.rows.validate(full=True)
            if not item.rows.schema.equals(item.table.schema, check_metadata=True):
                broken.append((name, item.table.name))
    assert broken == []


def test_each_table_can_be_built_alone():
    """What has not changed is carried over, and must not be needed for what has."""
    broken = []
    for name in NAMES:
        resource = resource_of(name)
        documents = received(resource, sample(name))
        for table, rows in tables_of_sample(name).items():
            [built] = build(CATALOG, resource, documents, GENERATIONS, only={table})
            if (built.table.name, built.rows.to_pylist()) != (table, rows):
                broken.append((name, table))
    assert broken == []


def documents_of(resource: str) -> list[dict]:
    """Return the samples of a resource, each of them twice, under ascending ids."""
    found = [sample(name) for name in NAMES if resource_of(name) == resource] * 2
    return [{**document, "id": id_} for id_, document in enumerate(found, -1)]


def shuffled(items: list, seed: int) -> list:
    return random.Random(seed).sample(items, len(items))


def test_the_order_of_documents_does_not_change_the_rows():
    broken = []
    for resource in RESOURCES:
        documents = documents_of(resource)
        expected = tables(resource, *documents)
        orders = {tuple(shuffled(range(len(documents)), seed)) for seed in SEEDS}
        broken += [
            (resource, order)
            for order in orders
            if tables(resource, *(documents[place] for place in order)) != expected
        ]
    assert broken == []


def test_the_batches_in_which_documents_come_do_not_change_the_rows():
    broken = []
    for resource in RESOURCES:
        documents = documents_of(resource)
        alone = [tables(resource, document) for document in documents]
        together = {name: [row for batch in alone for row in batch[name]] for name in alone[0]}
        if tables(resource, *documents) != together:
            broken.append(resource)
    assert broken == []


def test_the_order_of_members_does_not_change_the_rows():
    def reordered(value):
        if isinstance(value, dict):
            return dict(shuffled([(key, reordered(inner)) for key, inner in value.items()], 25))
        return [reordered(item) for item in value] if isinstance(value, list) else value

    assert other_rows({name: reordered(sample(name)) for name in NAMES}) == []


def test_unknown_members_are_ignored_wherever_they_stand():
    """A new field is none of the tables' business until it is declared."""

    def with_news(value):
        if isinstance(value, dict):
            return {"zz_new": {"url": 25, "list": [1, "two", None]}} | {k: with_news(v) for k, v in value.items()}
        return [with_news(item) for item in value] if isinstance(value, list) else value

    def changed(document):
        # Their keys are data.
        open_members = {member: document[member] for member in ("sprites", "cries") if member in document}
        return with_news(document) | open_members

    assert other_rows({name: changed(sample(name)) for name in NAMES}) == []


def test_table_names_are_there_once():
    names = [table.name for table in TABLES]
    assert len(set(names)) == len(names)


def fields(broken: Callable[[Field], object]) -> list[str]:
    """Return the fields of all tables that break a law, as ``table.field``."""
    return [f"{table.name}.{field.name}" for table in TABLES for field in table.fields if broken(field)]


def test_every_field_has_a_description():
    assert fields(lambda field: not field.description.endswith(".")) == []


def test_a_nullable_field_says_what_null_means():
    assert fields(lambda field: field.nullable and "Null: " not in field.description) == []


def test_a_field_that_is_never_null_does_not_explain_null():
    assert fields(lambda field: not field.nullable and "Null" in field.description) == []


def test_a_value_that_is_no_such_thing_as_the_others_is_declared_as_a_stand_in():
    """Prose alone cannot be looked up."""
    named = re.compile(r"(?:^|[.,;:] )(?:0|-1)(?:: |,? (?:for|when|if|where|none|unknown))|\bempty (?:for|where|when)")
    meant = fields(lambda field: bool(named.search(field.description.partition("Null: ")[0])))
    # 0 is how strong the flavor is of a berry that lacks it, so it counts in an average.
    ordinary = {"berry_flavor_potencies.potency"}
    assert set(meant) - set(fields(lambda field: bool(field.stand_ins))) == ordinary


def test_a_stand_in_has_the_type_of_its_column():
    def is_other(field: Field) -> bool:
        kind = str if field.type == pa.string() else int
        return any(type(value) is not kind or not meaning for value, meaning in field.stand_ins)

    assert fields(is_other) == []
    assert len(fields(lambda field: bool(field.stand_ins))) > 30


def test_no_column_has_the_name_of_the_partition():
    assert fields(lambda field: field.name == PARTITION) == []


def test_types_are_flat_and_never_null():
    allowed = {pa.int16(), pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.bool_()}
    assert fields(lambda field: field.type not in allowed) == []


def test_an_id_of_something_else_says_of_what():
    """`references` is what turns a URL into an id, and what the audit resolves."""

    def is_mute(field: Field) -> bool:
        is_id = field.type != pa.string() and any(path.endswith(".url") for path in field.paths)
        return is_id and not field.references

    assert fields(is_mute) == []


def test_field_names_are_there_once():
    assert [table.name for table in TABLES if len({field.name for field in table.fields}) < len(table.fields)] == []


def test_key_fields_exist_and_are_never_null():
    assert [table.name for table in TABLES if not table.primary_key] == []
    keys = [(table, name) for table in TABLES for name in table.primary_key]
    assert [f"{table.name}.{name}" for table, name in keys if table.field(name).nullable] == []


def test_a_generation_makes_partitions():
    with_generation = {table.name for table in TABLES for field in table.fields if field.name == GENERATION}
    assert {table.name for table in TABLES if table.partition} == with_generation - {"generations"}
    assert {table.partition for table in TABLES} == {PARTITION, None}


def test_every_table_says_its_grain_and_source():
    assert [table.name for table in TABLES if not table.grain.startswith("one row per ")] == []
    declared = [table for table in TABLES if table != DOCUMENT_VALUES]
    assert [table.name for table in declared if not table.source.startswith(f"{table.resources[0]}/{{id}}")] == []
