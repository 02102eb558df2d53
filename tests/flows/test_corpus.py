"""The real corpora: the older one fills a lake without HTTP; the changes until the newer one go the whole way."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas import State

from flows.local.replica import Corpus, Running, replica
from flows.local.replica.answers import etag_of
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import SourceChoice
from lake.canonical import same_content
from lake.commit import head
from lake.read import Lake
from lake.source import Source
from lake.store import Store
from lake.tables import POKEAPI, catalog_of
from tests.corpora import opened
from tests.flows.conftest import LOCATION
from tests.lake.assemble.lakeside import Documents, Lakeside, versioned

pytestmark = pytest.mark.corpus

# Documents of which nothing but an order changed in that month; counted by sorting every array of both corpora,
# evolution chains too: none of the 42 is one.
REORDERED = {
    "move": 12,
    "pokemon-color": 7,
    "pokemon-shape": 6,
    "pokemon-habitat": 5,
    "pokemon-species": 4,
    "generation": 3,
    "growth-rate": 3,
    "gender": 2,
}


@pytest.fixture
def running(corpus_2026_07_06: Path) -> Iterator[Running]:
    """Serve the older corpus."""
    with replica(opened(corpus_2026_07_06)) as served:
        yield served


def everything(corpus: Corpus, base_url: str) -> Documents:
    """Return all documents as a source at this address answers with them."""
    paths = (path for path in corpus.paths() if (path and "/" in path) or path == "meta")
    base = f'"{base_url}'.encode()
    return {path: corpus.document(path).replace(b'"/api/v2/', base) for path in paths}


def tag(body: bytes) -> str:
    """Return the ETag with which the replica answers."""
    return etag_of(body).decode()


def learnt(documents: Documents) -> int:
    """Count the ways in which Pokémon learn moves, straight from the JSON: each of them has one level."""
    paths = (path for path in documents if path.startswith("pokemon/") and path.count("/") == 1)
    return sum(documents[path].count(b'"level_learned_at":') for path in paths)


def check(store: Store, expected: Documents, reordered: int = 0) -> None:
    """Check that the snapshot holds the documents, all but some byte for byte, and the learnt moves."""
    lake = Lake(store)
    rows = lake.read("documents", columns=["path", "body"])
    found = dict(zip(rows["path"], rows["body"], strict=True))
    assert found.keys() == expected.keys()
    others = [path for path, body in expected.items() if found[path].encode() != body]
    assert len(others) == reordered
    for path in others:
        ordered = catalog_of(POKEAPI).keeps_order(path.split("/")[0])
        assert same_content(found[path].encode(), expected[path], ordered), path
    assert len(lake.read("pokemon_moves", columns=["pokemon_id"])) == learnt(expected)


def test_the_lake_equals_the_corpus_before_and_after_a_month_of_changes(
    prefect_server: dict[str, str], store: Store, running: Running, corpus_2026_07_06: Path, corpus_2026_08_08: Path
):
    def run(resources: tuple[str, ...] | None = None) -> State[Any]:
        return refresh(LOCATION, SourceChoice(base_url=running.url, resources=resources), return_state=True)

    older = everything(opened(corpus_2026_07_06), running.url)
    Lakeside(store, Source(running.url), tag=tag).fill(older)
    check(store, versioned(older))

    running.switch(opened(corpus_2026_08_08))
    running.reset()
    assert run().name == "Completed"
    newer = everything(opened(corpus_2026_08_08), running.url)
    check(store, newer, reordered=sum(REORDERED.values()))
    commit = head(store)
    assert commit is not None
    by_path = running.counters()["by_path"]
    changes = Counter[str]()
    for resource, counts in commit.changes.items():
        changes.update(counts if resource != "meta" else {})
    assert sum(by_path[path].get("200", 0) for path in newer if path != "meta") == changes.total()
    assert (changes["deleted"], changes["modified"] + changes["reordered"]) == (0, 8271)
    assert {name: found for name, counts in commit.changes.items() if (found := counts["reordered"])} == REORDERED
    assert {(finding["rule"], finding["subject"]) for finding in commit.audits} == {
        ("emptied-field", "items"),
        ("renamed", "encounter-method"),
        ("renamed", "location"),
        ("renamed", "location-area"),
    }
    assert [finding for finding in commit.audits if finding["level"] != "warn"] == []
    assert spoken(run(tuple(REORDERED)))[0] == "Unchanged"
