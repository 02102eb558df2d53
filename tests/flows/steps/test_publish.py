"""What keeps a snapshot from being published, and what becomes of the run, of its files, and of readers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

import flows.steps.outcome
import flows.steps.publish
import flows.steps.whole
from flows.local.replica import demo_documents
from flows.steps.publish import new_drifts
from lake.assemble.staging import Manifest
from lake.commit import Commit
from lake.errors import HeldError, StoreError
from lake.layout import CHECKS
from lake.store import Store
from tests.flows.chain import Chain, Step, chain
from tests.flows.lakeside import error_of, overtaken
from tests.lake import snapshots_of
from tests.lake.assemble.lakeside import changed, only, versioned, without
from tests.lake.commits import COMMIT
from tests.lake.publish.killing import Killed

DOCUMENTS = only(demo_documents(), "ability", "pokemon", "type")
KEPT = without(DOCUMENTS, "ability/1", "ability/2")
# More than a human is not asked about.
DELETED = len(DOCUMENTS) - len(KEPT)


def kill(store: Store, draft: Commit) -> None:
    raise Killed


def lose_the_answer(store: Store, draft: Commit) -> None:
    """Publish, and hear nothing of it."""
    commit_snapshot(store, draft)
    raise StoreError("no answer came")


commit_snapshot = flows.steps.publish.commit_snapshot
fetch_all = flows.steps.whole.fetch_all


def two_versions(*arguments: Any) -> list[Manifest]:
    """Fetch as if the source had changed meanwhile."""
    first, *others = fetch_all(*arguments)
    return [msgspec.structs.replace(first, versions={**first.versions, "0" * 40: 1}), *others]


# What was said of drift, of the whole chain.
DRIFTS: list[tuple[Any, ...]] = []


@pytest.fixture(scope="module")
def told(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Chain]:
    DRIFTS.clear()
    with chain(s3_endpoint, "published", versioned(DOCUMENTS)) as one, pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows.steps.outcome, "report_drift", lambda *facts: DRIFTS.append(facts))
        tell, refresh = one.tell, one.refresh
        tell("first", refresh)
        tell("held", refresh, KEPT)
        tell("allowed", refresh, allow_shrink=("ability",))

        def rival() -> None:
            tell("rival", refresh, changed(KEPT, "type/1", name="rival"), resources=("type",))

        with overtaken(rival):
            tell("race", refresh, changed(KEPT, "pokemon/25", height=5), resources=("pokemon", "ability"))
        now = changed(changed(KEPT, "type/1", name="rival"), "pokemon/25", height=6)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flows.steps.publish, "commit_snapshot", kill)
            with pytest.raises(Killed):
                one.refresh(now)
            one.note("killed", None)
        tell("after the kill", refresh)

        damaged = next(key for key in one.commit().keys() if "/types/" in key)  # noqa: SIM118
        body = one.store.get(damaged)
        one.store.delete([damaged])
        one.store.create(damaged, body[:-1] + b"?")
        now = changed(now, "pokemon/25", height=7)
        tell("damaged", refresh, now)
        one.store.delete([damaged])
        one.store.create(damaged, body)
        now = changed(now, "pokemon/25", height=8)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flows.steps.publish, "commit_snapshot", lose_the_answer)
            tell("answer lost", refresh, now)
        tell("after the lost answer", refresh)

        lost = [{"kind": "status", "status": 503, "path": "^type/2$"}]
        now = changed(now, "type/2", name="lost")
        tell("lost", refresh, now, faults=lost)
        tell("found", refresh)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flows.steps.whole, "fetch_all", two_versions)
            tell("mixed", refresh, changed(now, "meta", tag="v2"))
        types = json.loads(now["pokemon/25"])["types"]
        odd = changed(now, "pokemon/25", types=[*types, *types], height=9)
        tell("odd", refresh, changed(odd, "type/3", name="flight", colour="blue"))
        tell("odd again", refresh)
        yield one


def snapshots(step: Step) -> set[str]:
    """Return the names of all snapshots that have files."""
    return snapshots_of(step.keys)


def checks(step: Step) -> set[str]:
    return {key for key in step.keys if key.startswith(CHECKS)}


def height(told: Chain, step: str) -> list[int]:
    """Return how tall Pikachu is in the snapshot that a step left."""
    rows = told.lake.read("pokemon", [("pokemon_id", "==", 25)], as_of=told[step].commit.snapshot)
    found: list[int] = rows["height_dm"].tolist()
    return found


def test_a_mass_deletion_is_held_back_until_it_is_allowed(told: Chain):
    error = error_of(told["held"].ended, HeldError)
    assert f"{DELETED} of 71 documents vanished at once" in str(error)
    assert told["held"].commit == told["first"].commit
    assert snapshots(told["held"]) == {told["first"].commit.snapshot}
    assert told["allowed"].name == "Completed"
    assert f", {DELETED} documents deleted" in told["allowed"].message
    assert (told["allowed"].commit.seq, told["allowed"].commit.changes["ability"]["deleted"]) == (2, DELETED)
    # All of it was staged by the run that was refused.
    assert [path for path in told["allowed"].asked if "/" in path] == []


def test_the_loser_of_a_race_takes_its_documents_to_the_new_head(told: Chain):
    """What it carried at first were the tables of the parent that both began from."""
    winner, last = told["rival"].commit, told["race"].commit
    assert (winner.parent, last.parent) == (told["allowed"].commit.snapshot, winner.snapshot)
    assert told["race"].name == "Completed"
    assert last.tables["types"].files == winner.tables["types"].files
    assert told.lake.read("types", [("type_id", "==", 1)], as_of=last.snapshot)["name"].tolist() == ["rival"]
    assert height(told, "race") == [5]
    commits = {told[name].commit.snapshot for name in ("first", "allowed", "race")}
    assert snapshots(told["race"]) == {*commits, winner.snapshot}


def test_a_run_killed_before_its_commit_leaves_files_that_no_reader_sees(told: Chain):
    assert told["after the kill"].name == "Completed"
    assert told["after the kill"].commit.parent == told["race"].commit.snapshot
    # What was staged before the kill is not fetched again.
    assert [path for path in told["after the kill"].asked if "/" in path] == []
    assert height(told, "after the kill") == [6]
    assert told["killed"].commit == told["race"].commit
    [left] = snapshots(told["killed"]) - snapshots(told["race"])
    assert left not in set(told.lake.snapshots()["snapshot"])


def test_a_damaged_file_of_the_parent_is_built_anew_and_the_commit_says_so(told: Chain):
    before, step = told["after the kill"], told["damaged"]
    assert step.name == "Completed"
    assert step.commit.parent == before.commit.snapshot
    assert ("damaged", "types") in {(entry["rule"], entry["subject"]) for entry in step.commit.audits}
    assert step.commit.tables["types"].files == before.commit.tables["types"].files


def test_a_document_that_no_table_can_take_makes_a_run_partial_and_the_next_one_ask_again(told: Chain):
    step, again = told["odd"], told["odd again"]
    assert (step.name, again.name) == ("Partial", "Partial")
    reason = "pokemon/25 (types[]: expected keys that are there once in pokemon_types, found (pokemon_id=25, slot=1)"
    assert f"; 1 do not fit their tables (1 kept from before, 0 missing): {reason}" in step.message
    assert f"no change; readers see {step.commit.snapshot}; 1 do not fit their tables" in again.message
    assert [failure.path for failure in step.commit.stale] == ["pokemon/25"]
    assert height(told, "odd") == [8]
    assert again.commit == step.commit
    assert checks(again) == checks(told["mixed"])


def test_what_was_published_stays_although_its_answer_was_lost(told: Chain):
    step = told["answer lost"]
    assert "no answer came" in str(error_of(step.ended, StoreError))
    assert step.commit.parent == told["damaged"].commit.snapshot
    assert set(step.commit.keys()) <= step.keys
    assert told["after the lost answer"].name == "Unchanged"
    assert (height(told, "damaged"), height(told, "after the lost answer")) == ([7], [8])


def test_a_run_that_lost_nothing_but_a_document_is_partial_and_not_on_record(told: Chain):
    """A record would keep the next run from asking for the document again."""
    before, step = told["after the lost answer"], told["lost"]
    assert (step.name, step.commit) == ("Partial", before.commit)
    assert step.message.endswith("; 1 could not be fetched: type/2")
    assert (checks(step), snapshots(step)) == (checks(before), snapshots(before))
    assert told["found"].name == "Completed"
    assert told.lake.read("types", [("type_id", "==", 2)])["name"].tolist() == ["lost"]


def test_a_version_that_changed_during_the_crawl_is_not_on_record(told: Chain):
    """What was compared with the parent is of two versions, so neither is known to be equal."""
    assert told["mixed"].name == "Unchanged"
    assert checks(told["mixed"]) == checks(told["found"])
    assert told["mixed"].commit == told["found"].commit


def test_a_field_that_is_new_is_said_when_its_snapshot_is_published(told: Chain):
    [(uri, snapshot, findings)] = DRIFTS
    assert (uri, snapshot) == (told.store.uri(), told["odd"].commit.snapshot)
    [finding] = findings
    assert finding.startswith("type: 1 field that no table has, in ")
    assert "colour" in finding


def test_drift_is_said_once_though_its_numbers_change():
    def found(rule: str, message: str) -> dict[str, str]:
        return {"level": "warn", "rule": rule, "subject": "moves", "message": message}

    before = replace(COMMIT, audits=(found("new-field", "1 field that no table has, in 3 documents: colour (in 3)"),))
    after = (
        found("new-field", "1 field that no table has, in 1,204 documents: colour (in 1,204)"),
        found("drift", "power: expected integer, found 'x'"),
        found("renamed", "1 renamed: 5 from a to b"),
    )
    assert new_drifts(replace(COMMIT, audits=after), before) == ("moves: power: expected integer, found 'x'",)
