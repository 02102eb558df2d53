"""What a draft holds of a crawl and its parent: documents, what could not be fetched, and what its commit says."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from flows.local.replica import demo_documents
from lake import tables
from lake.assemble.draft import Crawled, allowed_to_shrink
from lake.commit import SourceFacts, commit_seqs
from lake.layout import snapshot_folder
from lake.publish import same_files
from lake.store import Store
from lake.tables import POKEAPI, catalog_of, fingerprint
from tests.lake import keys
from tests.lake.assemble.lakeside import (
    RUN,
    SOURCE,
    Documents,
    Lakeside,
    audits,
    changed,
    copied,
    differing,
    hashes,
    mark_names,
    message,
    only,
    versioned,
    without,
)

PIKACHU, DITTO = [("pokemon_id", "==", 25)], [("pokemon_id", "==", 132)]


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Open an empty lake."""
    return Lakeside(store)


@pytest.fixture
def documents() -> Documents:
    """Return three Pokémon and all types, and what the source says of itself."""
    return only(demo_documents(), "pokemon", "type")


def unnamed(documents: Documents) -> Documents:
    """Return the documents of a source that says nothing of itself."""
    return without(documents, "meta")


def test_a_first_draft_says_where_it_comes_from_and_of_what_it_is_made(lake: Lakeside, documents: Documents):
    crawled = lake.crawl(documents)
    draft = lake.draft(crawled)
    assert draft is not None
    commit, held = draft.commit, {"meta": 1, "pokemon": 3, "pokemon-encounters": 3, "type": 18}
    assert (commit.seq, commit.parent, commit.run, commit.fingerprint) == (1, None, RUN, fingerprint())
    assert datetime.now(UTC) - datetime.fromisoformat(commit.committed_at) < timedelta(minutes=1)
    version = json.loads(versioned(documents)["meta"])["hash"]
    assert commit.source == SourceFacts(
        base_url=SOURCE.base_url,
        kind="pokeapi",
        version=version,
        answers={version: 25},
        listed=tuple(held),
        resources=tuple(held),
        refused={},
        requests=25,
    )
    nothing = {"added": 0, "modified": 0, "deleted": 0, "reordered": 0}
    assert commit.changes == {name: {**nothing, "added": count} for name, count in held.items()}
    assert (commit.stale, commit.missing, draft.new_pokemon) == ((), (), ())
    assert {file.partition: file.rows for file in commit.tables["documents"].files} == held
    assert commit.tables["documents"].partition == "resource"
    filled = {table.name for name in held for table in catalog_of(POKEAPI).tables_of(name)}
    assert list(commit.tables) == sorted(filled | {"documents", "document_index"})
    assert set(commit.keys()) == keys(lake.store, snapshot_folder(commit.snapshot))
    assert [entry["message"] for entry in commit.audits] == [finding.message for finding in draft.findings]
    assert lake.told == {"documents": 25, "documents in all": 25, "tables": 25, "tables in all": 25}


def test_every_document_lands_byte_for_byte(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    rows = lake.lake.read("documents")
    assert dict(zip(rows["path"], rows["body"], strict=True)) == {
        path: body.decode() for path, body in versioned(documents).items()
    }


def test_a_crawl_repeated_gives_the_same_bytes(store: Store, documents: Documents):
    """Only the time of receipt tells two first crawls apart, so the typed tables must not differ."""
    first, second = (Lakeside(Store(store.bucket, prefix)).fill(documents) for prefix in ("red", "blue"))
    assert {name for name in differing(first, second) if not name.startswith("resource=")} == set()


def test_what_changed_is_in_the_new_snapshot_and_the_old_one_stays(lake: Lakeside, documents: Documents):
    old = lake.begin(documents)
    before = {key: lake.store.get(key) for key in old.keys()}  # noqa: SIM118
    new = lake.fill(changed(documents, "pokemon/25", height=5))
    assert (new.seq, new.parent) == (2, old.snapshot)
    assert new.changes["pokemon"] == {"added": 0, "modified": 1, "deleted": 0, "reordered": 0}
    assert lake.lake.read("pokemon", PIKACHU)["height_dm"].tolist() == [5]
    assert lake.lake.read("pokemon", PIKACHU, as_of=old.snapshot)["height_dm"].tolist() == [4]
    assert {key: lake.store.get(key) for key in before} == before


def test_where_nothing_changed_there_is_no_draft_and_nothing_is_written(lake: Lakeside, documents: Documents):
    lake.begin(unnamed(documents))
    before = keys(lake.store)
    assert lake.draft(lake.crawl(unnamed(documents))) is None
    assert keys(lake.store) == before


def test_resources_that_a_crawl_leaves_out_stay_in_the_snapshot(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    commit = lake.fill(changed(documents, "pokemon/25", height=5), "pokemon")
    assert (commit.seq, commit.source.resources) == (2, ("pokemon",))
    assert len(lake.lake.read("types")) == 18


def test_new_pokemon_are_those_that_the_parent_does_not_have(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    later = copied(changed(documents, "pokemon/25", height=5), "pokemon/132", 1_000_132, name="other-ditto")
    later = copied(copied(later, "pokemon/132", 1_000_007), "type/1", 99, name="sound")
    draft = lake.draft(lake.crawl(later))
    assert draft is not None
    assert draft.new_pokemon == (1_000_007, 1_000_132)
    other = lake.draft(lake.crawl(later, "type"))
    assert other is not None
    assert (other.commit.changes["type"]["added"], other.new_pokemon) == (1, ())


def test_a_rebuild_with_the_same_code_gives_the_same_files(lake: Lakeside, documents: Documents):
    commit = lake.fill(documents, failing={"type/1"})
    draft = lake.draft(Crawled(commit.source, (), is_partial=True), is_rebuild=True)
    assert draft is not None
    assert same_files(draft.commit.tables, commit)
    assert (draft.commit.source, draft.commit.stale) == (commit.source, commit.stale)
    assert (draft.commit.missing, draft.commit.audits) == (commit.missing, commit.audits)
    assert lake.told == {"documents in all": 0, "documents": 24, "tables": 24, "tables in all": 24}


def test_other_code_gives_other_tables_of_the_same_documents(
    lake: Lakeside, documents: Documents, monkeypatch: pytest.MonkeyPatch
):
    old = lake.begin(documents)
    mark_names(monkeypatch)
    monkeypatch.setattr(tables, "fingerprint", lambda *_: "0123456789abcdef")
    new = lake.fill(documents)
    assert (new.seq, new.fingerprint, differing(old, new)) == (2, "0123456789abcdef", {"pokemon"})
    assert set(lake.lake.read("pokemon")["name"].str[:1]) == {"?"}
    assert "pikachu" in set(lake.lake.read("pokemon", as_of=old.snapshot)["name"])


def test_other_code_that_builds_the_same_publishes_nothing(
    lake: Lakeside, documents: Documents, monkeypatch: pytest.MonkeyPatch
):
    old = lake.begin(documents)
    monkeypatch.setattr(tables, "fingerprint", lambda *_: "0123456789abcdef")
    draft = lake.draft(lake.crawl(documents))
    assert draft is not None
    assert hashes(draft.commit) == hashes(old)
    assert lake.fill(documents) == old
    assert commit_seqs(lake.store) == [1]


def test_of_a_source_that_lists_nothing_that_is_known_nothing_vanished(lake: Lakeside, documents: Documents):
    """As of one that commits of earlier versions describe."""
    first = lake.begin(documents)
    draft = lake.draft(Crawled(SourceFacts(listed=None), ()), is_rebuild=True)
    assert draft is not None
    assert audits(draft.commit) == audits(first)


def test_a_resource_may_shrink_with_all_tables_that_it_fills():
    allowed = allowed_to_shrink(catalog_of(POKEAPI), ["type", "items"])
    assert allowed == {"type", "items"} | {table.name for table in catalog_of(POKEAPI).tables_of("type")} | {
        table.name for table in catalog_of(POKEAPI).tables_of("items")
    }


def test_upstream_that_changed_during_the_crawl_is_named(lake: Lakeside, documents: Documents):
    commit = lake.fill(documents, versions={"red": 24, "blue": 1})
    assert message(commit, "versions", "source") == "upstream changed during the crawl: answers 1 of blue, 24 of red"
