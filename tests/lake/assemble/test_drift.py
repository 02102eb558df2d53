"""What upstream really does over the years: fields, types, collections and names that come, change and go.

One chain of snapshots has all of it: the documents as they were, drifted, with one other change, and as they were.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import pytest

from flows.local.replica import demo_documents
from lake.commit import Commit
from lake.resource import Failure
from tests.lake import keys
from tests.lake.assemble.lakeside import (
    Documents,
    Lakeside,
    audits,
    changed,
    hashes,
    lakeside,
    message,
    only,
    without,
)

ODD_NAME = "../a b/c.d\u0000\u001f\n?*"
NEW_FIELDS = {("new-field", name) for name in ("item", "pokemon-encounters")}


@dataclass
class Story:
    """The chain with the documents that each snapshot was made of."""

    lakeside: Lakeside
    before: Documents
    drifted: Documents
    first: Commit
    second: Commit
    third: Commit
    last: Commit
    idle: Commit
    dropped: Commit


def drift(documents: Documents) -> Documents:
    """Return the documents with a drift of every kind, each of them in documents of its own."""
    encounters = json.loads(documents["pokemon/25/encounters"])
    encounters[0]["season"] = "spring"
    effects = json.loads(documents["item/80"])["effect_entries"]
    berry = json.loads(documents["berry/7"])
    del berry["smoothness"]
    drifted = changed(documents, "item/4", rarity="common")
    drifted = changed(drifted, "item/80", effect_entries=[{**effects[0], "plural": True}, *effects[1:]])
    drifted = changed(drifted, "item/82", fling_power={"power": 30})
    drifted = changed(drifted, "ability/9", is_main_series=None)
    drifted = changed(drifted, "ability/10", name="volt-sponge")
    drifted = changed(drifted, "item/83", name="twin")
    drifted = changed(drifted, "item/84", name="twin")
    drifted = changed(drifted, "item/85", name=ODD_NAME)
    return without(drifted, "gender/") | {
        "pokemon/25/encounters": json.dumps(encounters).encode(),
        "berry/7": json.dumps(berry).encode(),
        "ability/11": b'{"id":11,"name":"levitate","is_main_series":false,"generation":null,"names":[{"x":1}]}',
        "weather/1": b'{"id":1,"name":"rain","turns":5}',
        "imprint": b'{"operator":"Oak"}',
    }


@pytest.fixture(scope="module")
def story(s3_endpoint: str) -> Iterator[Story]:
    names = ("pokemon", "item", "berry", "gender", "type", "ability", "egg-group", "language")
    before = only(demo_documents(), *names)
    drifted, later = drift(before), without(before, "gender/")
    with lakeside(s3_endpoint, "drift") as lake:
        first = lake.fill(before)
        second = lake.fill(drifted, refused={"egg-group": "status 400"}, failing={"type/1"})
        third = lake.fill(changed(drifted, "type/13", name="electrical"))
        last = lake.fill(later)
        idle = lake.fill(changed(later, "meta", tag="v2"))
        dropped = lake.fill(changed(later, "meta", tag="v2"), allow_shrink=("gender", "weather", "imprint"))
        yield Story(lake, before, drifted, first, second, third, last, idle, dropped)


def cell(story: Story, commit: Commit, table: str, key: str, id_: int, column: str) -> object:
    """Return one value of a snapshot's table, None for null."""
    [value] = story.lakeside.lake.read(table, [(key, "==", id_)], as_of=commit.snapshot)[column]
    return None if pd.isna(value) else value


def body(story: Story, commit: Commit, resource: str, id_: int) -> str:
    """Return a document as a snapshot has it."""
    rows = story.lakeside.lake.read("documents", [("resource", "==", resource)], as_of=commit.snapshot)
    [found] = rows[rows["id"] == id_]["body"]
    return str(found)


def test_nothing_is_found_where_nothing_drifted(story: Story):
    assert {rule for rule, _ in audits(story.first)} <= {"references"}


@pytest.mark.parametrize("path", ["item/4", "item/80", "item/82", "berry/7", "ability/9", "ability/11", "weather/1"])
def test_a_drifted_document_is_kept_byte_for_byte(story: Story, path: str):
    resource, id_ = path.split("/")
    assert body(story, story.second, resource, int(id_)) == story.drifted[path].decode()


def test_a_new_field_is_named_with_its_place(story: Story):
    assert "rarity (in 1)" in message(story.second, "new-field", "item")


def test_a_new_field_inside_a_list_is_named_too(story: Story):
    assert "effect_entries[].plural (in 1)" in message(story.second, "new-field", "item")


def test_a_new_field_of_encounters_is_named_as_it_stands_in_them(story: Story):
    assert "season (in 1)" in message(story.second, "new-field", "pokemon-encounters")


def test_a_field_that_is_gone_stays_as_a_null_column(story: Story):
    assert cell(story, story.first, "berries", "berry_id", 7, "smoothness") is not None
    assert cell(story, story.second, "berries", "berry_id", 7, "smoothness") is None
    assert "smoothness had 1 value" in message(story.second, "emptied-field", "berries")


def test_a_value_of_another_type_lands_as_null_and_is_named(story: Story):
    assert cell(story, story.first, "items", "item_id", 82, "fling_power") == 30
    assert cell(story, story.second, "items", "item_id", 82, "fling_power") is None
    found = message(story.second, "drift", "item")
    assert "fling_power: expected int32, found dict \"{'power': 30}\"" in found
    assert "1 value landed as null" in found


def test_a_value_of_another_type_leaves_other_values_alone(story: Story):
    """Neither those of other documents nor the others of the same one."""
    assert cell(story, story.second, "items", "item_id", 80, "fling_power") == 30
    assert cell(story, story.second, "items", "item_id", 82, "name") == "fire-stone"


def test_a_null_where_none_was_is_named(story: Story):
    assert cell(story, story.second, "abilities", "ability_id", 9, "is_main_series") is None
    assert "1 of 71 rows without is_main_series" in message(story.second, "nulls", "abilities")


def test_a_new_collection_is_kept_as_documents_and_as_values(story: Story):
    assert ("new-collection", "weather") in audits(story.second)
    rows = story.lakeside.lake.read(
        "document_values", [("resource_name", "==", "weather")], as_of=story.second.snapshot
    )
    assert dict(zip(rows["json_path"], rows["kind"], strict=True)) == {
        "id": "integer",
        "name": "string",
        "turns": "integer",
    }


def test_an_object_in_the_root_is_kept_as_one_document(story: Story):
    assert body(story, story.second, "imprint", 0) == story.drifted["imprint"].decode()


def test_a_collection_that_vanished_is_kept_and_named(story: Story):
    assert ("vanished-collection", "gender") in audits(story.second)
    kept = {name: hash_ for name, hash_ in hashes(story.first).items() if "gender" in name}
    assert len(kept) == 3
    assert kept.items() <= hashes(story.second).items()


def test_a_vanished_collection_that_is_let_go_leaves_empty_tables(story: Story):
    lake = story.lakeside.lake
    assert story.dropped.changes["gender"]["deleted"] == 3
    assert "gender" not in set(lake.read("documents")["resource_name"])
    assert (len(lake.read("genders")), len(lake.read("gender_species"))) == (0, 0)
    assert set(lake.read("document_values")["resource_name"]) == set()


def test_what_vanished_can_be_let_go_although_nothing_else_changed(story: Story):
    assert story.idle == story.last
    assert (story.dropped.seq, story.dropped.parent) == (story.last.seq + 1, story.last.snapshot)


def test_of_a_collection_that_was_let_go_nothing_is_said_later(story: Story):
    assert {rule for rule, _ in audits(story.dropped)} <= {"references"}


def test_a_refused_listing_keeps_what_is_there_and_is_named(story: Story):
    assert "status 400" in message(story.second, "refused-listing", "egg-group")
    kept = {name: hash_ for name, hash_ in hashes(story.first).items() if "egg-group" in name or "egg_groups" in name}
    assert len(kept) > 1
    assert kept.items() <= hashes(story.second).items()


def test_a_renamed_document_is_named_with_both_names(story: Story):
    assert "10 volt-absorb -> volt-sponge" in message(story.second, "renamed", "ability")


def test_an_id_that_stands_for_another_thing_is_named(story: Story):
    assert "11 water-absorb -> levitate" in message(story.second, "reused-id", "ability")


def test_two_documents_may_have_one_name(story: Story):
    rows = story.lakeside.lake.read("items", as_of=story.second.snapshot)
    assert sorted(rows[rows["name"] == "twin"]["item_id"]) == [83, 84]


def test_a_name_lands_as_it_is_and_is_part_of_no_key(story: Story):
    assert cell(story, story.second, "items", "item_id", 85, "name") == ODD_NAME
    found = keys(story.lakeside.store)
    assert [key for key in found if not key.isascii() or not key.isprintable() or ".." in key or " " in key] == []


def test_a_listed_document_that_cannot_be_fetched_keeps_its_last_version_and_is_named(story: Story):
    assert story.second.stale == (Failure("type", 1, "type/1", "status 503"),)
    assert story.second.missing == ()
    assert body(story, story.second, "type", 1) == story.before["type/1"].decode()
    assert story.third.stale == ()


def test_what_was_found_stays_on_record_while_the_documents_stay(story: Story):
    assert story.third.changes["item"]["modified"] == 0
    lasting = {*NEW_FIELDS, ("drift", "item"), ("nulls", "abilities"), ("new-collection", "weather")}
    assert lasting <= audits(story.third)
    for rule, subject in lasting:
        assert message(story.third, rule, subject) == message(story.second, rule, subject)


def test_what_was_found_of_a_change_is_said_once(story: Story):
    assert audits(story.third) & {("emptied-field", "berries"), ("renamed", "ability")} == set()


def test_drift_that_went_away_is_no_longer_on_record(story: Story):
    gone = {*NEW_FIELDS, ("drift", "item"), ("nulls", "abilities"), ("new-field", "ability"), ("drift", "ability")}
    assert audits(story.last) & gone == set()


def test_documents_as_they_were_give_the_tables_as_they_were(story: Story):
    """A field that flaps, a name that returns: no trace of them stays."""
    before, after = hashes(story.first), hashes(story.last)
    differing = {name.split("/")[0] for name in before if before[name] != after[name]}
    assert differing <= {"documents", "document_index", "meta", "document_values"}
