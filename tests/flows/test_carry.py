"""Only what changed is built: all else is carried from snapshot to snapshot, and each of them is whole.

One chain of snapshots, each with one change of its own; every one of them must be what a full rebuild gives.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prefect.client.schemas import State

import lake.tables
from flows.local.replica import demo_documents
from flows.rebuild import rebuild_tables
from lake.commit import Commit, commit_seqs
from lake.layout import CHECKS, snapshot_folder
from tests.flows.chain import Chain, Documents, audits, chain, hashes, message, only
from tests.flows.lakeside import changed

ITEM_TABLES = {"items", "item_prices", "item_game_indices"}
TEXT_TABLES = {"names", "flavor_texts", "effects"}
STEPS = ("first", "item", "species", "deleted", "returned", "both")


@dataclass
class Story:
    """The chain with its snapshots by step, the resources that each step parsed, and how the idle runs ended."""

    chain: Chain
    commits: dict[str, Commit] = field(default_factory=dict)
    parsed: dict[str, set[str]] = field(default_factory=dict)
    idle: dict[str, State] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    def differing(self, one: str, other: str) -> set[str]:
        """Return the tables, and the resources of documents, whose files differ between two steps."""
        before, after = hashes(self.commits[one]), hashes(self.commits[other])
        return {
            name.split("/")[1] if name.startswith("documents/") else name.split("/")[0]
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
        }


def shuffled(documents: Documents) -> Documents:
    """Return the documents with the names and game indices of all types in reverse order, as another build has them."""
    found = dict(documents)
    for path in documents:
        if path.startswith("type/"):
            body = json.loads(documents[path])
            reverse = {name: body[name][::-1] for name in ("names", "game_indices")}
            found[path] = json.dumps({**body, **reverse}, separators=(",", ":"), ensure_ascii=False).encode()
    return found


RESOURCES = ("pokemon", "pokemon-species", "item", "type", "berry", "language")


@pytest.fixture(scope="module")
def story(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Story]:
    documents = only(demo_documents(), *RESOURCES)
    with chain(s3_endpoint, "carry", documents) as running, pytest.MonkeyPatch.context() as patch:
        told = Story(running)
        build, calls = lake.tables.build, set[str]()

        def spy(catalog, resource, *arguments):
            calls.add(resource)
            return build(catalog, resource, *arguments)

        patch.setattr(lake.tables, "build", spy)

        def step(name: str, documents: Documents) -> None:
            calls.clear()
            assert running.refresh(documents).name == "Completed"
            told.commits[name] = running.commit()
            told.parsed[name] = set(calls)

        def idle(name: str, documents: Documents) -> None:
            calls.clear()
            told.idle[name] = running.refresh(documents)
            told.parsed[name] = set(calls)
            told.records[name] = len(list(running.store.list(CHECKS)))

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
        running.running.reset()
        told.idle["again"] = running.refresh()
        told.requests = running.running.counters()["requests"]
        idle("order", shuffled(species))
        step("both", shuffled(changed(species, "item/80", cost=1)))
        yield told


def test_a_changed_item_changes_the_tables_of_items_alone(story: Story):
    assert story.differing("first", "item") == {"items", "flavor_texts", "resource=item", "resource=meta", "meta"}


def test_of_a_changed_item_nothing_but_items_is_parsed(story: Story):
    assert story.parsed["item"] == {"item", "meta"}


@pytest.mark.parametrize("step", STEPS)
def test_every_table_is_what_a_full_rebuild_gives(story: Story, step: str):
    """Also those in which the rows of some resources come from the parent and those of others from documents."""
    assert rebuild_tables.fn(story.chain.location, story.commits[step]) == []


@pytest.mark.parametrize("step", STEPS)
def test_every_snapshot_has_all_of_its_files_in_a_folder_of_its_own(story: Story, step: str):
    commit = story.commits[step]
    assert sorted(commit.keys()) == [item.key for item in story.chain.store.list(snapshot_folder(commit.snapshot))]
    crawled = (*RESOURCES, "pokemon-encounters", "meta")
    filled = {table.name for resource in crawled for table in lake.tables.catalog_of("pokeapi").tables_of(resource)}
    assert filled | {"documents"} == set(commit.tables)


def test_a_text_table_keeps_the_rows_of_the_resources_that_did_not_change(story: Story):
    rows = story.chain.lake.read("flavor_texts", as_of=story.commits["item"].snapshot)
    texts = rows.groupby("resource_name")["flavor_text"].agg(set)
    before = story.chain.lake.read("flavor_texts", as_of=story.commits["first"].snapshot)
    assert "New." in texts["item"]
    assert texts["pokemon-species"] == set(before[before["resource_name"] == "pokemon-species"]["flavor_text"])


def test_another_generation_of_a_species_moves_its_pokemon_to_that_partition(story: Story):
    assert {"pokemon", "pokemon_stats", "pokemon_moves"} <= story.differing("item", "species")
    assert story.parsed["species"] == {"pokemon", "pokemon-species", "meta"}
    lake = story.chain.lake
    found = [
        lake.read(table, [("pokemon_id", "==", 25)], as_of=story.commits["species"].snapshot)["generation_id"].unique()
        for table in ("pokemon", "pokemon_moves")
    ]
    assert [list(generations) for generations in found] == [[2], [2]]


def test_a_deleted_document_is_missed_by_the_tables_that_refer_to_it(story: Story):
    commit = story.commits["deleted"]
    assert ("references", "pokemon_types") not in audits(story.commits["species"])
    assert message(commit, "references", "pokemon_types") == "1 values of type_id point at no type: 13"
    assert commit.changes["type"] == {"added": 0, "modified": 0, "deleted": 1, "reordered": 0}


def test_a_document_that_returns_is_missed_no_longer(story: Story):
    assert ("references", "pokemon_types") not in audits(story.commits["returned"])
    assert story.differing("species", "returned") == {"resource=type", "resource=meta"}


def test_another_version_of_the_same_documents_publishes_nothing(story: Story):
    """The version stands in a document itself, so one document did change."""
    assert story.idle["meta"].name == "Unchanged"
    assert story.parsed["meta"] == set()
    assert commit_seqs(story.chain.store) == list(range(1, len(STEPS) + 1))


def test_a_version_that_was_found_equal_is_known_the_next_time(story: Story):
    assert story.records["meta"] == 1
    assert story.idle["again"].name == "Unchanged"
    assert story.requests == 2


def test_another_order_of_unordered_lists_publishes_nothing(story: Story):
    assert story.idle["order"].name == "Unchanged"
    assert story.parsed["order"] == set()
    assert story.records["order"] == 2


def test_reordered_documents_are_counted_when_something_else_is_published(story: Story):
    commit = story.commits["both"]
    assert commit.changes["type"] == {"added": 0, "modified": 0, "deleted": 0, "reordered": 18}
    assert commit.changes["item"]["modified"] == 1
    assert story.differing("returned", "both") == {"items", "resource=item", "resource=meta", "meta"}
