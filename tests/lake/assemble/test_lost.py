"""Rows that a modified document lost with the list or object that held them, and references to other sources."""

import json
from typing import Any

import pyarrow as pa
import pytest

from flows.local.replica import demo_documents
from lake.assemble.lost import LostRows
from lake.store import Store
from lake.tables import build, catalog_of
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, message, only, without


@pytest.fixture(scope="module")
def documents() -> Documents:
    """Return documents of a source without versions."""
    kinds = ("pokemon", "pokemon-species", "type", "evolution-chain", "move")
    return without(only(demo_documents(), *kinds), "meta")


@pytest.fixture
def lake(store: Store, documents: Documents) -> Lakeside:
    lake = Lakeside(store)
    lake.begin(documents)
    return lake


def lost(documents: Documents) -> list[tuple[Documents, dict[str, str]]]:
    """Return documents without lists and objects, each with the places of these by the table that lost rows."""
    pikachu = json.loads(documents["pokemon/25"])
    moves = [{**move, "version_group_details": None} for move in pikachu["moves"]]
    chain = next(path for path in documents if path.startswith("evolution-chain/"))
    tree = json.loads(documents[chain])["chain"]
    bare = {**pikachu, "moves": None, "sprites": {**pikachu["sprites"], "other": None}}
    del bare["stats"]
    nothing = changed(documents, "type/13", names=None, damage_relations=None)
    nothing = changed(nothing, chain, chain={**tree, "evolves_to": None})
    return [
        (
            {**nothing, "pokemon/25": json.dumps(bare).encode()},
            {
                "names": "names",
                "type_effectiveness": "damage_relations",
                "evolution_edges": "chain.evolves_to",
                "pokemon_moves": "moves",
                "pokemon_sprites": "sprites.other",
                "pokemon_stats": "stats",
            },
        ),
        (changed(documents, "pokemon/25", moves=moves), {"pokemon_moves": "moves[].version_group_details"}),
        (changed(documents, "pokemon/25", types={"slot": 1}), {"pokemon_types": "types"}),
    ]


def test_rows_that_were_there_are_not_lost_without_their_number(lake: Lakeside, documents: Documents):
    for later, places in lost(documents):
        before = lake.commit
        after = lake.fill(later, allow_shrink=tuple(places))
        for table, place in places.items():
            rows = before.tables[table].rows - after.tables[table].rows
            assert rows > 0, (table, place)
            said = message(after, "lost-rows", table)
            assert said.startswith(f"{rows:,} row"), (table, place, said)
            assert f"where {place} held" in said, (table, place, said)
        assert {table for rule, table in audits(after) if rule == "lost-rows"} == places.keys()
        assert (after.stale, after.missing) == ((), ())
        assert not any(rule == "lost-rows" for rule, _ in audits(lake.fill(documents)))


def test_an_empty_list_says_that_there_are_no_rows(lake: Lakeside, documents: Documents):
    commit = lake.fill(changed(documents, "pokemon/25", moves=[], held_items=[]), allow_shrink=("pokemon_moves",))
    assert not any(rule == "lost-rows" for rule, _ in audits(commit))


def test_a_reference_to_another_source_is_no_reference_and_a_finding(lake: Lakeside, documents: Documents):
    def generation(url: str) -> Any:
        return changed(documents, "type/13", generation={"name": "generation-i", "url": url}, name=f"at {url}")

    for url in ("https://PokeAPI.co/api/v2/gener%61tion//1/", "http://pokeapi.test/api/v2/generation/1/"):
        commit = lake.fill(generation(url))
        assert ("drift", "type") not in audits(commit), url
        assert lake.lake.read("types", [("type_id", "==", 13)])["generation_id"].tolist() == [1]
    for host in ("https://example.com", "//pokeapi.co@example.com", "https://pokeapi.co:8443", "https://pokeapi.co/v1"):
        said = message(lake.fill(generation(f"{host}/api/v2/generation/1/")), "drift", "type")
        assert host in said, said
        assert lake.lake.read("types", [("type_id", "==", 13)])["generation_id"].tolist() == [0]


@pytest.mark.parametrize("odd", ["NaN", "-Infinity", "[" * 1_000 + "]" * 1_000], ids=["NaN", "-Infinity", "nested"])
def test_a_body_that_an_earlier_version_let_in_is_compared_as_far_as_it_can_be_read(documents: Documents, odd: str):
    catalog, good = catalog_of("pokeapi"), documents["pokemon/25"]
    bad = good.rstrip().removesuffix(b"}") + b', "odd": ' + odd.encode() + b"}"
    rows = [
        pa.table({"id": [25], "path": ["pokemon/25"], "body": pa.array([body.decode()], pa.string())})
        for body in (bad, good)
    ]
    lost = LostRows(catalog, "pokemon")
    lost.add(*rows)
    assert lost.found() == ()
    lost.add(*reversed(rows))
    assert lost.found() == ()
    assert {drift.document for built in build(catalog, "pokemon", rows[0], {}) for drift in built.drifts} == {25}
