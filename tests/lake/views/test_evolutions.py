"""The conditions of evolutions as sentences: none is left out."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lake.read import Lake
from lake.tables import table_named
from lake.views import VIEWS

EDGES = table_named("evolution_edges")

# What is no condition, but says who evolves, what comes of it, and where it stands.
NO_CONDITIONS = {
    *("evolution_chain_id", "ordinal", "from_species_id", "to_species_id", "depth", "to_is_baby"),
    *("evolved_form_pokemon_id", "version_group_id", "is_default_way"),
}
CONDITIONS = [field for field in EDGES.fields if field.name not in {*NO_CONDITIONS, "trigger_id"}]

# Where what a condition refers to has no name in the demo's lake, this one has.
EEVEE, ALOLAN_RAICHU, THUNDER_STONE, SURF, FIRE, ETERNA_FOREST, ALOLA = 133, 10100, 83, 57, 10, 8, 7


@pytest.fixture(scope="module")
def connection(demo: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to the demo's lake; a test brings ways to evolve of its own."""
    with demo.connect() as opened:
        yield opened


def sentences(connection: duckdb.DuckDBPyConnection, *ways: dict[str, Any]) -> list[str]:
    """Return the sentences about ways for Eevee to evolve, each with some conditions."""
    same = dict.fromkeys(EDGES.schema.names) | {
        "from_species_id": EEVEE,
        "to_species_id": EEVEE,
        "evolution_chain_id": 1,
    }
    rows = [same | {"ordinal": number} | way for number, way in enumerate(ways, 1)]
    table = pa.Table.from_pylist(rows, pa.schema([field.with_nullable(True) for field in EDGES.schema]))
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA own")
        cursor.execute("USE own")
        names = [name for name in VIEWS["evolutions"].needs if name != EDGES.name]
        cursor.register("ways", table)
        cursor.execute("CREATE TABLE own.evolution_edges AS FROM ways")
        for name in names:
            cursor.execute(f"CREATE VIEW own.{name} AS FROM main.{name}")
        found = cursor.execute(f"SELECT conditions FROM ({VIEWS['evolutions'].sql}) ORDER BY ordinal").fetchall()
        cursor.execute("USE main")
        cursor.execute("DROP SCHEMA own CASCADE")
    return [said for (said,) in found]


def values(name: str) -> list[Any]:
    """Return values of a condition, all of which must be told from each other."""
    if name.startswith(("needs_", "near_", "turn_")):
        return [True]
    if name == "relative_physical_stats":
        return [-1, 0, 1]
    if name == "gender_id":
        return [1, 2, 3]
    if name == "time_of_day":
        return ["day", "night", "dusk", "full-moon", "noon"]
    known = {
        "item": THUNDER_STONE,
        "move": SURF,
        "type": FIRE,
        "location": ETERNA_FOREST,
        "pokemon-species": EEVEE,
        "pokemon": ALOLAN_RAICHU,
        "region": ALOLA,
    }
    return [known.get(EDGES.field(name).references, 7)]


def test_every_condition_is_said_whatever_the_trigger(connection: duckdb.DuckDBPyConnection):
    """None is so rare that it was forgotten, and the source may join any of them."""
    triggers = [None, *range(1, 18)]
    tried = [(field.name, value) for field in CONDITIONS for value in values(field.name)]
    cases = [(trigger, name, value) for trigger in triggers for name, value in tried]
    alone = sentences(connection, *({"trigger_id": trigger, "is_default_way": True} for trigger in triggers))
    bare = dict(zip(triggers, alone, strict=True))
    said = sentences(connection, *({"trigger_id": t, name: v, "is_default_way": True} for t, name, v in cases))
    assert [case for case, sentence in zip(cases, said, strict=True) if sentence == bare[case[0]]] == []
    assert len({(case[0], sentence) for case, sentence in zip(cases, said, strict=True)}) == len(cases)


def test_sentences_read_as_a_person_says_it(connection: duckdb.DuckDBPyConnection):
    said = sentences(
        connection,
        {},
        {"trigger_id": 1, "min_level": 16, "is_default_way": True},
        {"trigger_id": 1, "min_happiness": 160, "time_of_day": "night", "base_form_pokemon_id": EEVEE},
        {"trigger_id": 3, "item_id": THUNDER_STONE, "region_id": ALOLA, "base_form_pokemon_id": ALOLAN_RAICHU},
        {"trigger_id": 14, "used_move_id": SURF, "min_move_count": 20},
        {"trigger_id": 99},
    )
    assert said == [
        "The source does not say how.",
        "Level up at level 16 or higher.",
        "Level up, with a happiness of 160 or more, by night.",
        "Use the Thunder Stone, as Alolan Raichu, in Alola.",
        "Use Surf 20 times.",
        "Do what the source does not name.",
    ]


def test_the_demo_says_how_each_of_its_species_evolves(demo: Lake):
    rows = demo.read("evolutions", columns=["from_species", "to_species", "conditions"])
    assert rows.notna().all(axis=None)
    assert set(rows.loc[rows["to_species"] == "glaceon", "conditions"]) == {
        "Use the Ice Stone.",
        "Level up, at Route 217, near a special rock.",
    }
