"""Ready views over the real corpora: the whole chart, and every condition that an evolution there has."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from lake.read.relations import query_of
from lake.tables import POKEAPI, build, catalog_of, species_generations
from lake.tables.registry import table_named
from lake.views import VIEWS
from tests.corpora import documents_of, opened
from tests.lake.views import KNOWN, TYPES

pytestmark = pytest.mark.corpus

CATALOG = catalog_of(POKEAPI)
TABLES = {need for view in VIEWS.values() if view.name != "learnsets" for need in view.needs}
RESOURCES = {resource for name in TABLES - {"names"} for resource in table_named(name).resources}


@pytest.fixture(scope="module", params=["2026-07-06", "2026-08-08"])
def connection(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to the tables of a corpus, as far as the views need them."""
    path: Path = request.getfixturevalue(f"corpus_{request.param.replace('-', '_')}")
    corpus = opened(path)
    generations = species_generations(documents_of(corpus, "pokemon-species")["body"].combine_chunks())
    found: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    for resource in sorted(RESOURCES):
        for built in build(CATALOG, resource, documents_of(corpus, resource), generations, TABLES):
            found[built.table.name].append(built.rows)
    with duckdb.connect() as opened_:
        for name, parts in found.items():
            rows = pa.concat_tables(parts)
            place = rows.schema.get_field_index("generation_id")
            opened_.register(name, rows.append_column("generation", rows[place]) if place >= 0 else rows)
        for view in VIEWS.values():
            if not view.lacking(TABLES):
                opened_.execute(f"CREATE TEMP VIEW {view.name} AS {query_of(view)}")
        yield opened_


def test_the_chart_has_every_cell_and_what_is_known_of_some(connection: duckdb.DuckDBPyConnection):
    sizes = connection.execute("SELECT generation, count(*) FROM type_chart GROUP BY ALL").fetchall()
    assert dict(sizes) == {generation: n * n for generation, n in TYPES.items()}
    asked = "SELECT generation, attacking_type, defending_type, damage_percent FROM type_chart"
    cells = {(generation, *pair): damage for generation, *pair, damage in connection.execute(asked).fetchall()}
    for generation, known in KNOWN.items():
        assert {pair: cells[generation, *pair] for pair in known} == known, generation


def test_every_way_to_evolve_is_a_sentence_and_two_ways_are_two(connection: duckdb.DuckDBPyConnection):
    rows = connection.execute("SELECT conditions, is_default_way, games FROM evolutions").fetchall()
    assert len(rows) > 500
    assert [said for said, is_default, _ in rows if is_default is None] == ["The source does not say how."]
    # The source names one way "other".
    assert len({games for said, _, games in rows if "does not name" in said}) == 1
    assert [said for said, *_ in rows if "at the time" in said or "  " in said or "right item" in said] == []
    asked = """
    SELECT from_species, to_species, from_variety, to_variety, games, conditions FROM evolutions
    GROUP BY ALL HAVING count(*) > 1
    """
    assert connection.execute(asked).fetchall() == []


def test_no_weight_stands_for_another(connection: duckdb.DuckDBPyConnection):
    weightless = "SELECT name FROM pokemon_wide WHERE weight_kg IS NULL AND NOT is_gigantamax"
    assert connection.execute("SELECT max(weight_kg) FROM pokemon_wide").fetchall() == [(999.9,)]
    assert connection.execute(weightless).fetchall() == [("eternatus-eternamax",)]
