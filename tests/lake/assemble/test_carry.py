"""Only what changed is built: all else is carried from snapshot to snapshot, and each of them is whole.

One chain of snapshots, each with one change of its own; every one of them must be what a full rebuild gives.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import lake.tables
from flows.local.replica import demo_documents
from lake.assemble.draft import Crawled
from lake.commit import Commit, commit_seqs
from lake.layout import snapshot_folder
from lake.publish import remove_snapshot
from tests.lake import keys
from tests.lake.assemble.lakeside import (
    Documents,
    Lakeside,
    audits,
    changed,
    differing,
    hashes,
    lakeside,
    message,
    only,
)

STEPS = ("first", "item", "species", "deleted", "returned", "both")
UNPUBLISHED = "20260808T041200Z-1f3a9c02"
RESOURCES = ("pokemon", "pokemon-species", "item", "type", "berry", "language")


@dataclass
class Story:
    """The chain with its snapshots by step, what a full rebuild of each gives, and which resources were parsed."""

    lakeside: Lakeside
    commits: dict[str, Commit] = field(default_factory=dict)
    rebuilt: dict[str, dict[str, str]] = field(default_factory=dict)
    parsed: dict[str, set[str]] = field(default_factory=dict)
    # The keys that were written by a step after which no draft was made.
    drafted: dict[str, set[str]] = field(default_factory=dict)

    def differing(self, one: str, other: str) -> set[str]:
        return differing(self.commits[one], self.commits[other])


def shuffled(documents: Documents) -> Documents:
    """Return the documents with the names and game indices of all types in reverse order, as another build has them."""
    found = dict(documents)
    for path in documents:
        if path.startswith("type/"):
            body = json.loads(documents[path])
            reverse = {name: body[name][::-1] for name in ("names", "game_indices")}
            found[path] = json.dumps({**body, **reverse}, separators=(",", ":"), ensure_ascii=False).encode()
    return found


@pytest.fixture(scope="module")
def story(s3_endpoint: str) -> Iterator[Story]:
    with lakeside(s3_endpoint, "carry") as one, pytest.MonkeyPatch.context() as patch:
        told = Story(one)
        build, calls = lake.tables.build, set[str]()

        def spy(catalog: Any, resource: str, *arguments: Any) -> Any:
            calls.add(resource)
            return build(catalog, resource, *arguments)

        patch.setattr(lake.tables, "build", spy)

        def step(name: str, documents: Documents) -> None:
            calls.clear()
            told.commits[name] = one.fill(documents)
            told.parsed[name] = set(calls)
            full = one.draft(Crawled(one.commit.source, (), is_partial=True), is_rebuild=True)
            assert full is not None
            told.rebuilt[name] = hashes(full.commit)
            remove_snapshot(one.store, full.commit.snapshot)

        def idle(name: str, documents: Documents) -> None:
            calls.clear()
            before = keys(one.store, "snapshots/")
            crawled = one.crawl(documents)
            assert any(manifest.documents for manifest in crawled.manifests)
            assert one.draft(crawled, name=UNPUBLISHED) is None
            told.drafted[name] = keys(one.store, "snapshots/") - before
            remove_snapshot(one.store, UNPUBLISHED)
            told.parsed[name] = set(calls)

        documents = only(demo_documents(), *RESOURCES)
        step("first", documents)
        texts = json.loads(documents["item/4"])["flavor_text_entries"]
        item = changed(documents, "item/4", cost=201, flavor_text_entries=[{**texts[0], "text": "New."}, *texts[1:]])
        step("item", item)
        generation = {"name": "generation-ii", "url": "/api/v2/generation/2/"}
        species = changed(item, "pokemon-species/25", generation=generation)
        step("species", species)
        step("deleted", {path: body for path, body in species.items() if path != "type/13"})
        step("returned", species)
        idle("meta", changed(species, "meta", tag="v2"))
        idle("order", shuffled(species))
        step("both", shuffled(changed(species, "item/80", cost=1)))
        yield told


def test_a_changed_item_changes_the_tables_of_items_alone(story: Story):
    assert story.differing("first", "item") == {"items", "flavor_texts", "resource=item", "resource=meta", "meta"}


def test_of_a_changed_item_nothing_but_items_is_parsed(story: Story):
    assert story.parsed["item"] == {"item", "meta"}


def test_every_table_is_what_a_full_rebuild_gives(story: Story):
    """Also those in which the rows of some resources come from the parent and those of others from documents."""
    assert [step for step in STEPS if story.rebuilt[step] != hashes(story.commits[step])] == []


def test_every_snapshot_has_all_of_its_files_in_a_folder_of_its_own(story: Story):
    crawled = (*RESOURCES, "pokemon-encounters", "meta")
    filled = {table.name for resource in crawled for table in lake.tables.catalog_of("pokeapi").tables_of(resource)}
    for step in STEPS:
        commit = story.commits[step]
        assert sorted(commit.keys()) == sorted(keys(story.lakeside.store, snapshot_folder(commit.snapshot))), step
        assert list(commit.tables) == sorted(filled | {"documents", "document_index"}), step
        assert len(commit.tables["flavor_texts"].files) > 1, step


def test_a_text_table_keeps_the_rows_of_the_resources_that_did_not_change(story: Story):
    read = story.lakeside.lake.read
    texts = read("flavor_texts", as_of=story.commits["item"].snapshot).groupby("resource_name")["flavor_text"].agg(set)
    before = read("flavor_texts", as_of=story.commits["first"].snapshot)
    assert "New." in texts["item"]
    assert texts["pokemon-species"] == set(before[before["resource_name"] == "pokemon-species"]["flavor_text"])


def test_another_generation_of_a_species_moves_its_pokemon_to_that_partition(story: Story):
    assert {"pokemon", "pokemon_stats", "pokemon_moves"} <= story.differing("item", "species")
    assert story.parsed["species"] == {"pokemon", "pokemon-species", "meta"}
    read = story.lakeside.lake.read
    found = [
        read(table, [("pokemon_id", "==", 25)], as_of=story.commits["species"].snapshot)["generation_id"].unique()
        for table in ("pokemon", "pokemon_moves")
    ]
    assert [list(generations) for generations in found] == [[2], [2]]


def test_a_deleted_document_is_missed_by_the_tables_that_refer_to_it(story: Story):
    commit = story.commits["deleted"]
    assert ("references", "pokemon_types") not in audits(story.commits["species"])
    assert message(commit, "references", "pokemon_types") == "1 value of type_id points at no type: 13"
    assert commit.changes["type"] == {"added": 0, "modified": 0, "deleted": 1, "reordered": 0}


def test_a_document_that_returns_is_missed_no_longer(story: Story):
    assert ("references", "pokemon_types") not in audits(story.commits["returned"])
    assert story.differing("species", "returned") == {"resource=type", "resource=meta"}


def test_what_means_nothing_is_not_built(story: Story):
    """The version stands in a document itself, and lists come in another order from another build of the same data."""
    written = {name: {key.split("/", 2)[2] for key in keys_} for name, keys_ in story.drafted.items()}
    # Documents that say another version were merged, before it was known that nothing else changed.
    assert written == {"meta": {"documents/resource=meta/part-0.parquet"}, "order": written["meta"]}
    assert (story.parsed["meta"], story.parsed["order"]) == (set(), set())
    assert commit_seqs(story.lakeside.store) == list(range(1, len(STEPS) + 1))


def test_reordered_documents_are_counted_when_something_else_is_published(story: Story):
    commit = story.commits["both"]
    assert commit.changes["type"] == {"added": 0, "modified": 0, "deleted": 0, "reordered": 18}
    assert commit.changes["item"]["modified"] == 1
    assert story.differing("returned", "both") == {"items", "resource=item", "resource=meta", "meta"}
