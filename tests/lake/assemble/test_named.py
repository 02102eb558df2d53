"""Ids that were given to other things, and documents that were numbered anew, as the audits of a draft tell them."""

import json

import pytest

from flows.local.replica import demo_documents
from lake.publish import Level
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
