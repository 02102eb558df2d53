"""The real corpora through the whole flow: the older one, then what changed until the newer one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prefect.client.schemas import State

from flows.parameters import SourceChoice
from flows.refresh import refresh
from lake.commit import head
from lake.crawl import POKEAPI_RESOURCES
from lake.read import Lake
from lake.replica import Corpus, Running, replica
from lake.store import Store
from tests.flows.conftest import LOCATION

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.corpus]


@pytest.fixture
def running(corpus_2026_07_06: Path) -> Iterator[Running]:
    """Serve the older corpus."""
    with replica(Corpus.open(corpus_2026_07_06)) as served:
        yield served


def core(corpus: Corpus) -> dict[str, bytes]:
    """Return the documents of the resources that are crawled by default."""
    paths = (path for path in corpus.paths() if path.count("/") == 1 and path.split("/")[0] in POKEAPI_RESOURCES)
    return {path: corpus.document(path) for path in paths}


def learnt(documents: dict[str, bytes]) -> int:
    """Count the ways in which Pokémon learn moves, straight from the JSON."""
    bodies = (msgspec.json.decode(body) for path, body in documents.items() if path.startswith("pokemon/"))
    return sum(len(move["version_group_details"]) for body in bodies for move in body["moves"])


def check(store: Store, corpus: Corpus, base_url: str) -> None:
    """Check that the snapshot holds the corpus: every document byte for byte, every learnt move as a row."""
    lake, expected = Lake(store), core(corpus)
    rows = lake.read("documents", columns=["path", "body"])
    found = dict(zip(rows["path"], rows["body"], strict=True))
    assert found.keys() == expected.keys()
    for path, body in expected.items():
        assert found[path] == body.decode().replace('"/api/v2/', f'"{base_url}'), path
    assert len(lake.read("pokemon_moves", columns=["pokemon_id"])) == learnt(expected)


def test_the_lake_equals_the_corpus_before_and_after_a_month_of_changes(
    prefect_server: dict[str, str], store: Store, running: Running, corpus_2026_07_06: Path, corpus_2026_08_08: Path
):
    source = SourceChoice(base_url=running.url)

    def run() -> State[Any]:
        return refresh(LOCATION, source, return_state=True)

    assert run().name == "Completed"
    check(store, Corpus.open(corpus_2026_07_06), running.url)

    running.switch(corpus_2026_08_08)
    running.reset()
    assert run().name == "Completed"
    check(store, Corpus.open(corpus_2026_08_08), running.url)
    commit = head(store)
    assert commit is not None
    changed = sum(counts["added"] + counts["modified"] for counts in commit.changes.values())
    by_path = running.counters()["by_path"]
    sent = sum(counts.get("200", 0) for path, counts in by_path.items() if path.count("/") == 1)
    assert sent == changed
    assert [finding for finding in commit.audits if finding["level"] != "warn"] == []
    assert run().name == "Unchanged"
