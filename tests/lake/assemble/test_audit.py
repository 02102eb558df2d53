"""What the audits hold back or name in a whole draft, and what becomes of the snapshot and of its readers."""

import json
from dataclasses import replace

import pytest

from flows.local.replica import demo_documents
from lake.assemble.audit import kept_findings
from lake.assemble.work import Work
from lake.errors import PublishError
from lake.publish import Level
from lake.store import Store
from tests.lake import keys, snapshots_of
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, hashes, message, only, without
from tests.lake.commits import COMMIT

NOTHING = {"added": 0, "modified": 0, "deleted": 0, "reordered": 0}


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Open an empty lake."""
    return Lakeside(store)


@pytest.fixture
def abilities() -> Documents:
    """Return all abilities."""
    return only(demo_documents(), "ability")


def test_a_mass_deletion_is_held_back_until_it_is_allowed(lake: Lakeside, abilities: Documents):
    before = lake.fill(abilities)
    kept = without(abilities, "ability/1", "ability/2")
    deleted, count = len(abilities) - len(kept), len(abilities) - 1
    with pytest.raises(PublishError) as caught:
        lake.fill(kept)
    assert f"ability: {deleted} of {count} documents vanished at once" in str(caught.value)
    assert "pass --allow-shrink ability" in str(caught.value)
    assert f"abilities: {len(kept) - 1:,} rows, {count:,} the last time" in str(caught.value)
    assert "document" not in str(caught.value).replace("documents vanished", "")
    assert lake.commit == before
    assert snapshots_of(keys(lake.store)) == {before.snapshot}
    commit = lake.fill(kept, allow_shrink=("ability",))
    assert commit.changes["ability"] == {**NOTHING, "deleted": deleted}
    assert len(lake.lake.read("abilities")) == count - deleted


def test_a_table_that_may_shrink_is_named_by_itself(lake: Lakeside, abilities: Documents):
    """Its documents may vanish all the same only when their resource is named."""
    lake.fill(abilities)
    draft = lake.draft(lake.crawl(without(abilities, "ability/1", "ability/2")), allow_shrink=("abilities",))
    assert draft is not None
    asked = {(finding.rule, finding.subject) for finding in draft.findings if finding.level == Level.ASK}
    assert ("deletions", "ability") in asked
    assert ("shrink", "abilities") not in asked


def test_a_mass_deletion_that_is_undone_gives_the_tables_as_they_were(lake: Lakeside, abilities: Documents):
    before = lake.fill(abilities)
    lake.fill(without(abilities, "ability/1", "ability/2"), allow_shrink=("ability",))
    after = lake.fill(abilities)
    tables = {name: hash_ for name, hash_ in hashes(before).items() if not name.startswith("documents/")}
    assert {name: hashes(after)[name] for name in tables} == tables


def test_a_key_of_another_type_is_not_taken_and_readers_see_what_they_saw(lake: Lakeside):
    documents = only(demo_documents(), "pokemon")
    unnamed = without(documents, "meta")
    before = lake.fill(unnamed)
    stats = json.loads(documents["pokemon/25"])["stats"]
    stats[0]["stat"]["url"] = {"href": stats[0]["stat"]["url"]}
    draft = lake.draft(lake.crawl(changed(unnamed, "pokemon/25", stats=stats)))
    assert draft is None
    [rejected] = lake.rejected
    assert rejected.path == "pokemon/25"
    assert rejected.reason.startswith("stats[]: expected a key that is not null in pokemon_stats, found (pokemon_id=25")
    assert lake.commit == before
    assert snapshots_of(keys(lake.store)) == {before.snapshot}


def test_a_collection_is_new_only_where_no_table_is_declared_for_it(lake: Lakeside, abilities: Documents):
    lake.fill(abilities)
    commit = lake.fill({**abilities, "weather/1": b'{"id":1}', "nature/1": demo_documents()["nature/1"]})
    assert {entry for entry in audits(commit) if entry[0] == "new-collection"} == {("new-collection", "weather")}


def test_a_collection_without_a_document_is_not_new(lake: Lakeside, abilities: Documents):
    commit = lake.fill({**abilities, "weather/1": b'{"id":1}'}, failing={"weather/1"})
    assert ("new-collection", "weather") not in audits(commit)
    assert [failure.path for failure in commit.missing] == ["weather/1"]


def test_a_collection_that_vanished_is_named_until_it_is_let_go(lake: Lakeside, abilities: Documents):
    both = {**abilities, "weather/1": b'{"id":1}', "weather/2": b'{"id":2}'}
    lake.fill(both)
    kept = lake.fill(changed(abilities, "ability/9", is_main_series=False))
    assert "to let them go, pass --allow-shrink weather" in message(kept, "vanished-collection", "weather")
    assert kept.changes["weather"] == NOTHING
    dropped = lake.fill(changed(abilities, "ability/9", is_main_series=False), allow_shrink=("weather",))
    assert dropped.changes["weather"] == {**NOTHING, "deleted": 2}
    assert ("vanished-collection", "weather") not in audits(dropped)
    assert set(lake.lake.read("documents")["resource_name"]) == {"ability", "meta"}
    assert len(lake.lake.read("document_values")) == 0


def test_a_collection_that_is_listed_is_not_let_go(lake: Lakeside, abilities: Documents):
    """Whoever allows it to shrink does not ask to lose what is there."""
    first = lake.fill(abilities)
    assert lake.fill(abilities, allow_shrink=("ability",)) == first


def test_what_was_found_of_rows_that_are_carried_over_is_kept_and_all_else_is_found_anew():
    found = [
        {"level": "warn", "rule": rule, "subject": subject, "message": f"{rule} of {subject}"}
        for rule in ("nulls", "references", "new-field", "drift", "shrink", "renamed", "versions")
        for subject in ("items", "item", "types", "type")
    ]
    work = Work(tables=frozenset({"items"}), resources=frozenset({"item"}))
    kept = kept_findings(replace(COMMIT, audits=tuple(found)), work)
    # Of tables, what is not built; of resources, what is not parsed: a subject is one or the other by its rule.
    assert {(item.rule, item.subject) for item in kept} == {
        *((rule, subject) for rule in ("nulls", "references") for subject in ("item", "types", "type")),
        *((rule, subject) for rule in ("new-field", "drift") for subject in ("items", "types", "type")),
    }
    assert {item.level for item in kept} == {Level.WARN}
    assert all(item.message == f"{item.rule} of {item.subject}" for item in kept)
    assert kept_findings(None, work) == []
