"""All tables together: what documents become, what their declarations promise, and how drift is survived."""

import json
import pkgutil
from pathlib import Path

import pytest

import lake.tables
from lake.schema import GENERATION
from lake.tables import TABLES, build, catalog_of, fingerprint, species_generations
from lake.tables.values import DOCUMENT_VALUES
from tests.lake.tables import (
    CATALOG,
    GENERATIONS,
    NAMES,
    RESOURCES,
    SAMPLES,
    bodies,
    drifts,
    filled,
    received,
    resource_of,
    sample,
    tables,
    tables_of_sample,
)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_becomes_the_rows_beside_it(name):
    """Columns that a row beside it leaves out are null."""
    beside = json.loads((SAMPLES / f"{name}.rows.json").read_text(encoding="utf-8"))
    columns = {table.name: [field.name for field in table.fields] for table in TABLES}
    for table, rows in beside.items():
        assert all(row.keys() <= set(columns[table]) for row in rows)
    expected = {
        table: [{column: row.get(column) for column in columns[table]} for row in rows]
        for table, rows in beside.items()
    }
    assert tables_of_sample(name) == expected
    assert drifts(resource_of(name), sample(name)) == []


def test_every_resource_has_a_sample():
    assert {resource_of(name) for name in NAMES} == set(RESOURCES)


def test_every_table_has_a_row_in_some_sample():
    filled = {table for name in NAMES for table, rows in tables_of_sample(name).items() if rows}
    assert filled == {table.name for table in TABLES if table != DOCUMENT_VALUES}


def test_a_resource_without_tables_fills_the_generic_one():
    assert tables("weather", {"id": 1}).keys() == {"document_values"}


def test_a_source_of_another_kind_has_none_of_pokeapis_tables():
    """Its resources may have names that PokeAPI's have too."""
    assert build(catalog_of("rest"), "pokemon", received("pokemon", sample("pokemon-25")), {}) == []
    assert catalog_of("rest").tables == catalog_of("rest").tables_of("pokemon") == ()
    assert (catalog_of("rest").infers("pokemon"), CATALOG.infers("weather")) == (True, False)
    assert CATALOG.tables == TABLES


def test_a_resource_of_which_no_table_is_wanted_becomes_nothing():
    assert build(CATALOG, "pokemon", received("pokemon", sample("pokemon-25")), GENERATIONS, only={"types"}) == []


@pytest.mark.parametrize(
    ("name", "member", "value", "table", "column"),
    [
        ("pokemon-25", "height", "4", "pokemon", "height_dm"),
        ("pokemon-25", "height", 4.5, "pokemon", "height_dm"),
        ("pokemon-25", "height", 4.0, "pokemon", "height_dm"),
        ("pokemon-25", "height", True, "pokemon", "height_dm"),
        ("pokemon-25", "height", 2**40, "pokemon", "height_dm"),
        ("pokemon-25", "height", 10**400, "pokemon", "height_dm"),
        ("pokemon-25", "height", {"metre": 1}, "pokemon", "height_dm"),
        ("pokemon-25", "name", 25, "pokemon", "name"),
        ("pokemon-25", "name", {"en": "Pikachu"}, "pokemon", "name"),
        ("pokemon-25", "name", ["pikachu"], "pokemon", "name"),
        ("pokemon-25", "is_default", 1, "pokemon", "is_default"),
        ("pokemon-25", "is_default", "true", "pokemon", "is_default"),
        ("pokemon-25", "species", "pikachu", "pokemon", "species_id"),
        ("pokemon-25", "species", {"url": 25}, "pokemon", "species_id"),
        ("pokemon-25", "species", [], "pokemon", "species_id"),
        ("pokemon-species-132", "gender_rate", "-1", "species", "female_eighths"),
        ("move-161", "meta", "none", "moves", "ailment_id"),
        ("move-161", "power", "80", "moves", "power"),
        ("evolution-chain-10", "baby_trigger_item", 213, "evolution_chains", "baby_trigger_item_id"),
    ],
)
def test_a_value_of_another_type_becomes_null_and_is_reported(name, member, value, table, column):
    document = {**sample(name), member: value}
    rows, drifted = filled(resource_of(name), document)
    [row], [before] = rows[table], tables_of_sample(name)[table]
    assert row[column] is None
    assert before[column] is not None or column == "female_eighths"
    [drift, *_] = drifted
    assert drift.path.startswith(member)
    assert drift.found


def test_drift_in_one_document_leaves_the_others_as_they_were():
    documents = [sample("pokemon-25"), {**sample("pokemon-35"), "height": "tall"}, sample("pokemon-10100")]
    rows = tables("pokemon", *documents)
    assert [row["height_dm"] for row in rows["pokemon"]] == [4, None, 7]
    assert rows["pokemon_moves"] == tables("pokemon", sample("pokemon-25"))["pokemon_moves"]
    [drift] = drifts("pokemon", *documents)
    assert (drift.path, drift.expected, drift.found) == ("height", "int32", "str 'tall'")


def test_drift_inside_a_list_names_the_list():
    document = sample("pokemon-25")
    document["moves"][0]["version_group_details"][1]["level_learned_at"] = "1"
    assert [row["level_learned_at"] for row in tables("pokemon", document)["pokemon_moves"]] == [1, None, 0]
    [drift] = drifts("pokemon", document)
    assert drift.path == "moves[].version_group_details[].level_learned_at"


@pytest.mark.parametrize("value", [{}, "none", 5, True])
def test_what_should_be_a_list_and_is_none_has_no_rows_and_is_reported(value):
    document = {**sample("pokemon-25"), "types": value}
    assert tables("pokemon", document)["pokemon_types"] == []
    assert [drift.path for drift in drifts("pokemon", document)] == ["types"]


@pytest.mark.parametrize(
    ("name", "path", "table", "column"),
    [
        ("pokemon-25", ("species",), "pokemon", "species_id"),
        ("pokemon-25", ("types", 0, "type"), "pokemon_types", "type_id"),
        ("pokemon-25", ("moves", 1, "move"), "pokemon_moves", "move_id"),
        ("move-161", ("meta", "ailment"), "moves", "ailment_id"),
        ("ability-9", ("names", 0, "language"), "names", "language_id"),
        ("type-9", ("damage_relations", "double_damage_to", 0), "type_effectiveness", "defending_type_id"),
        ("evolution-chain-67", ("chain", "species"), "evolution_chains", "root_species_id"),
        (
            "evolution-chain-67",
            ("chain", "evolves_to", 0, "evolution_details", 0, "item"),
            "evolution_edges",
            "item_id",
        ),
    ],
)
@pytest.mark.parametrize(
    "url",
    ["https://pokeapi.co/api/v2/berry/7/", "https://pokeapi.co/api/v2/pokemon/pikachu/", "", "7"],
)
def test_a_url_of_another_resource_becomes_null_and_is_reported(name, path, table, column, url):
    document = sample(name)
    owner = document
    for step in path:
        owner = owner[step]
    owner["url"] = url
    rows, drifted = filled(resource_of(name), document)
    nulls, before = (sum(row[column] is None for row in of[table]) for of in (rows, tables_of_sample(name)))
    assert nulls > before
    assert any(url in drift.found for drift in drifted)


@pytest.mark.parametrize(
    ("name", "member", "table", "column"),
    [
        ("pokemon-25", "height", "pokemon", "height_dm"),
        ("pokemon-25", "species", "pokemon", "species_id"),
        ("pokemon-species-26", "capture_rate", "species", "capture_rate"),
        ("move-161", "meta", "moves", "drain_percent"),
        ("ability-9", "is_main_series", "abilities", "is_main_series"),
        ("evolution-chain-10", "baby_trigger_item", "evolution_chains", "baby_trigger_item_id"),
    ],
)
def test_a_removed_field_becomes_a_null_column(name, member, table, column):
    document = sample(name)
    del document[member]
    rows, drifted = filled(resource_of(name), document)
    [row] = rows[table]
    assert row[column] is None
    assert drifted == []


def test_a_removed_list_has_no_rows():
    document = sample("pokemon-25")
    del document["moves"]
    assert tables("pokemon", document)["pokemon_moves"] == []


@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 5000])
def test_a_number_beyond_all_bounds_is_reported_and_the_document_survives(value):
    """msgspec cannot decode it, and neither a crawl nor a snapshot may die of one document."""
    text = json.dumps({**sample("pokemon-25"), "height": "HERE"}).replace('"HERE"', value)
    [row] = tables("pokemon", text)["pokemon"]
    assert (row["pokemon_id"], row["height_dm"]) == (25, None)
    assert [(drift.path, drift.expected) for drift in drifts("pokemon", text)] == [("height", "int32")]


def test_species_give_the_generations_of_their_pokemon():
    documents = bodies(sample("pokemon-species-132"), sample("pokemon-species-26"))
    assert species_generations(documents) == {132: 1}
    [built, *_] = build(CATALOG, "pokemon", received("pokemon", sample("pokemon-25")), GENERATIONS)
    assert built.rows[GENERATION].to_pylist() == [1]


def test_the_fingerprint_changes_with_every_module_that_makes_tables(monkeypatch):
    """A declaration of PokeAPI's tables that changed must rebuild them, and it lies in a folder of its own."""
    read: set[str] = set()
    read_bytes = Path.read_bytes

    def noted(path: Path) -> bytes:
        read.add(path.stem if path.stem != "__init__" else path.parent.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    fingerprint.__wrapped__()
    modules = pkgutil.walk_packages(lake.tables.__path__, "lake.tables.")
    assert read == {"address", "decode", "schema", "tables", *(module.name.rpartition(".")[2] for module in modules)}


def test_the_fingerprint_is_short_and_stays():
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 16
