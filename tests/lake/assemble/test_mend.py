"""One damaged or missing object in the bucket stops nobody, and is never called unchanged."""

import json
from dataclasses import replace

import pytest

from flows.local.replica import demo_documents
from lake.assemble.draft import Crawled
from lake.assemble.mend import damaged_files
from lake.commit import Commit
from lake.errors import StoreError
from lake.layout import commit_key
from lake.publish import commit_snapshot
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, hashes, message, only, without

FORGED = "20260809T041200Z-1f3a9c02"


@pytest.fixture
def documents() -> Documents:
    """Return three Pokémon, all types and natures of a source that says nothing of itself."""
    return without(only(demo_documents(), "pokemon", "type", "nature"), "meta")


@pytest.fixture
def lake(store: Store, documents: Documents) -> Lakeside:
    """Open a lake that holds the documents."""
    lake = Lakeside(store)
    lake.begin(documents)
    return lake


def damage(lake: Lakeside, *names: str, is_missing: bool = False) -> None:
    """Flip a bit of the first file of each table, or delete it, or of a resource's documents."""
    for name in names:
        key = next(key for key in lake.commit.keys() if f"/{name}/" in key)  # noqa: SIM118
        body = lake.store.get(key)
        lake.store.delete([key])
        if not is_missing:
            lake.store.create(key, body[:100] + bytes([body[100] ^ 1]) + body[101:])


def is_whole(lake: Lakeside) -> bool:
    return damaged_files(lake.store, lake.commit, is_read=True) == {}


def rebuild(lake: Lakeside) -> Commit:
    draft = lake.draft(Crawled(lake.commit.source, (), is_partial=True), is_rebuild=True)
    assert draft is not None
    if draft.is_repair:
        commit_snapshot(lake.store, draft.commit)
    return draft.commit


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_refresh_builds_a_table_anew_that_it_cannot_carry(lake: Lakeside, documents: Documents, is_missing: bool):
    before = lake.commit
    damage(lake, "types", "names", is_missing=is_missing)
    after = lake.fill(changed(documents, "pokemon/25", height=5))
    assert is_whole(lake)
    assert {("damaged", "types"), ("damaged", "names")} <= audits(after)
    assert f"1 file of {before.snapshot}, missing or damaged" in message(after, "damaged", "types")
    tables = ("types/", "names/")
    assert {k: v for k, v in hashes(after).items() if k.startswith(tables)} == {
        k: v for k, v in hashes(before).items() if k.startswith(tables)
    }
    assert audits(lake.fill(changed(documents, "pokemon/25", height=6))).isdisjoint(audits(after) - audits(before))


def test_a_table_of_many_resources_whose_rows_cannot_be_taken_over_is_built_of_documents(
    lake: Lakeside, documents: Documents
):
    before = lake.commit
    damage(lake, "names")
    names = json.loads(documents["type/13"])["names"]
    after = lake.fill(changed(documents, "type/13", names=[{**names[0], "name": "Strom"}, *names[1:]]))
    assert is_whole(lake)
    assert after.tables["names"].rows == before.tables["names"].rows
    assert ("damaged", "names") in audits(after)


def test_a_refresh_without_changes_sees_a_missing_file_in_the_listing(lake: Lakeside, documents: Documents):
    before = lake.commit
    damage(lake, "types", is_missing=True)
    after = lake.fill(documents)
    assert (after.parent, is_whole(lake), hashes(after)) == (before.snapshot, True, hashes(before))


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_rebuild_compares_with_the_bucket_and_not_with_the_commit_alone(lake: Lakeside, is_missing: bool):
    before = lake.commit
    damage(lake, "pokemon", "types", is_missing=is_missing)
    after = rebuild(lake)
    assert (after.parent, is_whole(lake), hashes(after)) == (before.snapshot, True, hashes(before))
    assert {("damaged", "pokemon"), ("damaged", "types")} <= audits(after)


def test_a_rebuild_without_damage_makes_the_same_files_and_is_no_repair(lake: Lakeside):
    before = lake.commit
    assert hashes(rebuild(lake)) == hashes(before)
    assert lake.commit == before


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_rebuild_says_that_only_a_refresh_brings_documents_back(lake: Lakeside, is_missing: bool):
    damage(lake, "documents/resource=type", is_missing=is_missing)
    with pytest.raises(
        StoreError, match=r"the documents of type are missing or damaged.*run `pokelake refresh --force --bucket "
    ):
        rebuild(lake)


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_refresh_takes_documents_that_it_fetched_anew(lake: Lakeside, documents: Documents, is_missing: bool):
    before = lake.commit
    damage(lake, "documents/resource=pokemon", is_missing=is_missing)
    draft = lake.draft(lake.crawl(documents, lost=("pokemon",)))
    assert draft is not None
    assert draft.new_pokemon == ()
    after = lake.fill(documents, lost=("pokemon",))
    assert is_whole(lake)
    assert "fetched anew" in message(after, "damaged", "pokemon")
    assert after.changes["pokemon"] == {"added": 0, "modified": 3, "deleted": 0, "reordered": 0}
    assert {name: table.rows for name, table in after.tables.items()} == {
        name: table.rows for name, table in before.tables.items()
    }


def test_a_crawl_that_did_not_fetch_lost_documents_is_refused_in_one_paragraph(lake: Lakeside, documents: Documents):
    damage(lake, "documents/resource=type")
    with pytest.raises(StoreError, match="the documents of type are missing or damaged"):
        lake.fill(changed(documents, "pokemon/25", height=5), "pokemon")


def test_lost_documents_of_a_collection_that_the_source_has_no_longer_may_go(lake: Lakeside, documents: Documents):
    damage(lake, "documents/resource=type")
    kept = changed(without(documents, "type/"), "pokemon/25", height=5)
    with pytest.raises(StoreError, match=r"--allow-shrink"):
        lake.fill(kept)
    after = lake.fill(kept, allow_shrink=("type",))
    assert after.tables["types"].rows == 0
    assert is_whole(lake)


def test_after_a_commit_without_documents_every_document_is_asked_for_anew(lake: Lakeside, documents: Documents):
    """No run would write one; whoever may write to the bucket can."""
    good = lake.commit
    tables = {"types": good.tables["types"]}
    forged = replace(good, seq=good.seq + 1, parent=good.snapshot, snapshot=FORGED, tables=tables)
    lake.store.create(commit_key(forged.seq), forged.to_json())
    assert lake.commit.snapshot == FORGED
    after = lake.fill(documents)
    assert {name: table.rows for name, table in after.tables.items()} == {
        name: table.rows for name, table in good.tables.items()
    }


@pytest.mark.parametrize("name", ["documents/resource=type", "types"])
def test_who_reads_a_damaged_file_is_told_what_mends_it(lake: Lakeside, name: str):
    damage(lake, name)
    with pytest.raises(StoreError, match="run `pokelake verify --repair`"):
        lake.lake.read(name.partition("/")[0])
