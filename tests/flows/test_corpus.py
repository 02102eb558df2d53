"""The real corpora through the whole flow: the older one, then what changed until the newer one."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas import State

from flows.local.replica import Corpus, Running, replica
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import SourceChoice
from lake.canonical import same_content
from lake.commit import head
from lake.read import Lake
from lake.store import Store
from lake.tables import POKEAPI, catalog_of
from tests.corpora import opened
from tests.flows.conftest import LOCATION

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


def everything(corpus: Corpus) -> dict[str, bytes]:
    """Return all documents."""
    return {path: corpus.document(path) for path in corpus.paths() if (path and "/" in path) or path == "meta"}


def learnt(documents: dict[str, bytes]) -> int:
    """Count the ways in which Pokémon learn moves, straight from the JSON: each of them has one level."""
    paths = (path for path in documents if path.startswith("pokemon/") and path.count("/") == 1)
    return sum(documents[path].count(b'"level_learned_at":') for path in paths)


def check(store: Store, corpus: Corpus, base_url: str, reordered: int = 0) -> None:
    """Check that the snapshot holds the corpus: learnt moves, and its documents, all but some byte for byte."""
    lake, expected = Lake(store), everything(corpus)
    rows = lake.read("documents", columns=["path", "body"])
    found = dict(zip(rows["path"], rows["body"], strict=True))
    assert found.keys() == expected.keys()
    served = {path: body.decode().replace('"/api/v2/', f'"{base_url}') for path, body in expected.items()}
    others = [path for path, body in served.items() if found[path] != body]
    assert len(others) == reordered
    for path in others:
        ordered = catalog_of(POKEAPI).keeps_order(path.split("/")[0])
        assert same_content(found[path].encode(), served[path].encode(), ordered), path
    assert len(lake.read("pokemon_moves", columns=["pokemon_id"])) == learnt(expected)


def test_the_lake_equals_the_corpus_before_and_after_a_month_of_changes(
    prefect_server: dict[str, str], store: Store, running: Running, corpus_2026_07_06: Path, corpus_2026_08_08: Path
):
    def run(resources: tuple[str, ...] | None = None) -> State[Any]:
        return refresh(LOCATION, SourceChoice(base_url=running.url, resources=resources), return_state=True)

    assert run().name == "Completed"
    check(store, opened(corpus_2026_07_06), running.url)

    running.switch(opened(corpus_2026_08_08))
    running.reset()
    assert run().name == "Completed"
    check(store, opened(corpus_2026_08_08), running.url, reordered=sum(REORDERED.values()))
    commit = head(store)
    assert commit is not None
    documents = everything(opened(corpus_2026_08_08)).keys() - {"meta"}
    by_path = running.counters()["by_path"]
    changes = Counter[str]()
    for resource, counts in commit.changes.items():
        changes.update(counts if resource != "meta" else {})
    assert sum(by_path[path].get("200", 0) for path in documents) == changes.total()
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
