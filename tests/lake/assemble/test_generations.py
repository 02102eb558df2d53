"""Partitions whose values come from a reference: a generation that is not there, or cannot be, is a finding."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from flows.local.replica import demo_documents
from lake.commit import Commit
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, message


@pytest.fixture(scope="module")
def documents() -> Documents:
    """Return Pikachu, its species and generation, and a move, of a source without versions."""
    documents = demo_documents()
    return {path: documents[path] for path in ("pokemon/25", "pokemon-species/25", "generation/1", "move/33")}


@pytest.fixture
def lake(store: Store, documents: Documents) -> Lakeside:
    lake = Lakeside(store)
    lake.begin(documents)
    return lake


def partitions(commit: Commit, *tables: str) -> set[str]:
    return {PurePosixPath(file.name).parent.name for name in tables for file in commit.tables[name].files}


def of(documents: Documents, path: str, url: Any) -> Documents:
    """Return the documents with one at another generation."""
    return changed(documents, path, generation=url if url is None else {"url": url})


def test_a_generation_that_cannot_be_is_unknown_and_a_finding(lake: Lakeside, documents: Documents):
    for url in (None, "/api/v2/generation/0/", "/api/v2/generation/-1/", "/api/v2/generation/32768/"):
        commit = lake.fill(of(documents, "pokemon-species/25", url))
        for table in ("species", "pokemon"):
            assert message(commit, "unknown-generation", table).startswith("1 row of unknown generation, in")
        assert {table for rule, table in audits(commit) if rule == "unknown-generation"} == {"species", "pokemon"}
        expected = "int16" if url and "32768" in url else "a URL ending in /generation/<id>/"
        found = "32768" if expected == "int16" else repr(url)
        said = [f"generation.url: expected {expected}, found {found}"] if url else []
        drifts = [entry["message"] for entry in commit.audits if entry["rule"] == "drift"]
        assert [drift.partition(";")[0] for drift in drifts if drift.startswith("generation")] == said
        assert partitions(commit, "pokemon", "species", "species_varieties") == {"generation=0"}
        assert lake.lake.read("pokemon")["generation_id"].tolist() == [0]
        assert "unknown-generation" not in {rule for rule, _ in audits(lake.fill(documents))}


def test_where_no_species_is_known_its_unknown_generation_is_no_news(store: Store, documents: Documents):
    lake = Lakeside(store)
    for height in (4, 5):
        commit = lake.fill({"pokemon/25": changed(documents, "pokemon/25", height=height)["pokemon/25"]})
        assert partitions(commit, "pokemon") == {"generation=0"}
        assert "unknown-generation" not in {rule for rule, _ in audits(commit)}


def test_a_generation_that_the_source_does_not_have_is_a_finding(lake: Lakeside, documents: Documents):
    commit = lake.fill(of(documents, "pokemon-species/25", "/api/v2/generation/32767/"))
    said = [entry["message"] for entry in commit.audits if entry["subject"] == "species"]
    assert "1 value of generation_id points at no generation: 32767" in said
    assert partitions(commit, "pokemon", "species", "species_varieties") == {"generation=32767"}


def test_a_generation_at_another_source_is_one_of_no_table(lake: Lakeside, documents: Documents):
    """Also not of those whose own function makes their rows, in the same partitions."""
    combos = {"normal": {"use_before": [{"name": "pound", "url": "/api/v2/move/1/"}]}}
    abroad = of(documents, "move/33", "https://example.com/api/v2/generation/1/")
    commit = lake.fill(changed(abroad, "move/33", contest_combos=combos))
    assert "example.com" in message(commit, "drift", "move")
    assert partitions(commit, "moves", "move_contest_combos") == {"generation=0"}
