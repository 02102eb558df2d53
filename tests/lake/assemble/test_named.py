"""Ids that were given to other things, and documents that were numbered anew, as the audits of a draft tell them."""

import json
from collections.abc import Mapping

import pytest

from flows.local.replica import demo_documents
from lake.assemble import ranges
from lake.layout import part_number
from lake.publish import Level
from lake.read import changes
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, copied, message, only, without


@pytest.fixture
def abilities() -> Documents:
    """Return all abilities."""
    return only(demo_documents(), "ability")


def test_an_id_is_reused_if_its_old_name_stands_under_another_id(store: Store, abilities: Documents):
    """Forms are much alike: by their members alone, an id that was given to another one looks renamed."""
    lake = Lakeside(store)
    lake.begin(abilities)
    after = changed(copied(abilities, "ability/10", 900), "ability/10", name="neuroforce")
    after = changed(after, "ability/11", name="water-sponge")
    commit = lake.fill(after)
    assert message(commit, "reused-id", "ability") == "1 id now stands for something else: 10 volt-absorb -> neuroforce"
    assert message(commit, "renamed", "ability") == "1 renamed: 11 water-absorb -> water-sponge"
    told = lake.lake.changes()
    assert list(zip(told["kind"], told["id"], strict=True)) == [("reused", 10), ("renamed", 11), ("added", 900)]


def test_the_other_bearer_of_a_name_may_have_come_with_an_earlier_snapshot(store: Store, abilities: Documents):
    """Discovery brings new documents only, and the next refresh what else is changed."""
    lake = Lakeside(store)
    lake.begin(abilities)
    after = changed(copied(abilities, "ability/10", 900), "ability/10", name="neuroforce")
    found = lake.publish(lake.crawl(after, new_only=True))
    assert audits(found) & {("reused-id", "ability"), ("renamed", "ability")} == set()
    commit = lake.fill(after)
    assert ("reused-id", "ability") in audits(commit)
    assert ("renamed", "ability") not in audits(commit)


def test_a_mass_of_vanished_documents_says_how_many_of_their_names_stand_elsewhere(store: Store, abilities: Documents):
    lake = Lakeside(store)
    lake.begin(abilities)
    gone = [path for path in abilities if path.startswith("ability/1")]
    kept = without(abilities, "ability/1")
    for number, path in enumerate(gone[:25]):
        moved = json.dumps({**json.loads(abilities[path]), "id": 20_000 + number}).encode()
        kept[f"ability/{20_000 + number}"] = moved
    draft = lake.draft(lake.crawl(kept))
    assert draft is not None
    [finding] = [one for one in draft.findings if one.rule == "deletions"]
    assert (finding.level, finding.subject, finding.lost) == (Level.ASK, "ability", len(gone))
    assert finding.message.endswith(f"; 25 of their {len(gone)} names stand under other ids")


def test_documents_that_are_gone_for_good_say_that_their_names_are_gone(store: Store, abilities: Documents):
    lake = Lakeside(store)
    lake.begin(abilities)
    draft = lake.draft(lake.crawl(without(abilities, "ability/1")))
    assert draft is not None
    [finding] = [one for one in draft.findings if one.rule == "deletions"]
    assert finding.message.endswith("; none of their names stands under another id")


def test_documents_without_names_say_nothing_of_names(store: Store):
    lake = Lakeside(store)
    lake.begin({f"weather/{id_}": b'{"turns":5}' for id_ in range(60)})
    draft = lake.draft(lake.crawl({f"weather/{id_}": b'{"turns":5}' for id_ in range(30)}))
    assert draft is not None
    [finding] = [one for one in draft.findings if one.rule == "deletions"]
    assert finding.message.endswith(", …)")


def test_names_are_found_in_every_file_of_a_resource(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Also where other hands have put the files in no order."""
    monkeypatch.setattr(ranges, "PART_JSON_BYTES", 1000)
    lake, filler = Lakeside(store), "x" * 90
    names = {id_: f"a{id_}" for id_ in range(1, 61)}
    lake.fill(weather(names, filler))
    # The name of 50 is given to 10, and 30 is renamed.
    commit = lake.fill(weather({**names, 10: "a50", 50: "b50", 30: "b30", 70: "a70"}, filler))
    assert len([file for file in commit.tables["documents"].files if file.partition == "weather"]) > 4
    assert message(commit, "reused-id", "weather") == "1 id now stands for something else: 50 a50 -> b50"
    assert message(commit, "renamed", "weather") == "2 renamed: 10 a10 -> a50, 30 a30 -> b30"
    expected = [("renamed", 10), ("renamed", 30), ("reused", 50), ("added", 70)]
    for number in (part_number, lambda name: -part_number(name)):
        monkeypatch.setattr(changes, "part_number", number)
        told = lake.lake.changes()
        assert list(zip(told["kind"], told["id"], strict=True)) == expected


def weather(names: Mapping[int, str], filler: str) -> Documents:
    return {
        f"weather/{id_}": json.dumps({"id": id_, "name": name, "filler": filler}).encode()
        for id_, name in names.items()
    }
