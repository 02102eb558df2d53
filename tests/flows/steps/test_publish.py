"""What keeps a snapshot from being published, and what becomes of the run, of its files, and of readers."""

import json
from typing import Any

import msgspec
import pytest

import flows.steps.publish
from flows.local.replica import Running
from lake.assemble.staging import Manifest
from lake.commit import Commit, commit_seqs
from lake.errors import PublishError, StoreError
from lake.layout import CHECKS, SNAPSHOTS
from lake.read import Lake
from lake.store import Store
from tests.flows.chain import hashes
from tests.flows.conftest import Fill, Refresh
from tests.flows.lakeside import changed, current, error_of, overtake, release
from tests.lake import keys
from tests.lake.publish.killing import Killed

Documents = dict[str, bytes]
FEW = ("item", "type")


def snapshots(store: Store) -> set[str]:
    """Return the names of all snapshots that have files."""
    return {key.split("/")[1] for key in keys(store, SNAPSHOTS)}


@pytest.mark.parametrize("folder", ["types", "documents/resource=type"])
def test_a_damaged_file_of_the_parent_is_named_and_nothing_is_published(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents, folder: str
):
    fill(*FEW)
    before = current(store)
    damaged = next(key for key in before.keys() if f"/{folder}/" in key)  # noqa: SIM118
    body = store.get(damaged)
    store.delete([damaged])
    store.create(damaged, body[:-1] + b"?")
    release(running, changed(documents, "item/4", cost=201))
    error = error_of(run_refresh(resources=FEW), StoreError)
    assert f"{damaged}: expected the content with SHA-256" in str(error)
    assert current(store) == before
    assert snapshots(store) == {before.snapshot}


def test_a_run_killed_before_its_commit_leaves_files_that_no_reader_sees(
    fill: Fill,
    run_refresh: Refresh,
    store: Store,
    running: Running,
    documents: Documents,
    monkeypatch: pytest.MonkeyPatch,
):
    fill(*FEW)
    before = current(store)

    def kill(target: Store, draft: Commit) -> None:
        raise Killed

    release(running, changed(documents, "item/4", cost=201))
    with monkeypatch.context() as patch:
        patch.setattr(flows.steps.publish, "commit_snapshot", kill)
        with pytest.raises(Killed):
            run_refresh(resources=FEW)
    assert current(store) == before
    assert run_refresh(resources=FEW).name == "Completed"
    assert commit_seqs(store) == [1, 2]
    assert Lake(store).read("items", [("item_id", "==", 4)])["cost"].tolist() == [201]


def test_the_loser_of_a_race_carries_the_tables_of_the_winner(
    fill: Fill,
    run_refresh: Refresh,
    store: Store,
    running: Running,
    documents: Documents,
    monkeypatch: pytest.MonkeyPatch,
):
    """What it carried at first were the tables of the parent that both began from."""
    fill(*FEW)
    winner = []

    def rival() -> None:
        release(running, changed(documents, "type/1", name="rival"))
        assert run_refresh(resources=("type",)).name == "Completed"
        winner.append(current(store))

    overtake(monkeypatch, rival)
    release(running, changed(documents, "item/4", cost=201))
    assert run_refresh(resources=FEW).name == "Completed"
    last = current(store)
    assert last.parent == winner[0].snapshot
    assert last.tables["types"].files == winner[0].tables["types"].files
    assert Lake(store).read("types", [("type_id", "==", 1)])["name"].tolist() == ["rival"]
    assert Lake(store).read("items", [("item_id", "==", 4)])["cost"].tolist() == [201]


def test_a_run_that_lost_nothing_but_a_document_is_partial_and_not_on_record(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    """A record would keep the next run from asking for the document again."""
    fill(*FEW)
    before = current(store)
    release(running, changed(documents, "item/4", cost=201))
    running.faults([{"kind": "status", "status": 503, "path": "^item/4$"}])
    state = run_refresh(resources=FEW)
    assert (state.name, current(store)) == ("Partial", before)
    assert "1 could not be fetched: item/4" in state.message
    assert keys(store, CHECKS) == set()
    running.faults([])
    assert run_refresh(resources=FEW).name == "Completed"
    assert Lake(store).read("items", [("item_id", "==", 4)])["cost"].tolist() == [201]


def test_what_is_stale_stays_named_while_other_resources_are_refreshed(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill(*FEW)
    later = changed(changed(documents, "item/4", cost=201), "type/1", name="plain")
    release(running, later)
    running.faults([{"kind": "status", "status": 503, "path": "^item/4$"}])
    run_refresh(resources=FEW)
    running.faults([])
    release(running, changed(later, "type/1", name="normal"))
    run_refresh(resources=("type",))
    assert [failure.path for failure in current(store).stale] == ["item/4"]


def test_a_version_that_changed_during_the_crawl_is_not_on_record(
    fill: Fill,
    run_refresh: Refresh,
    store: Store,
    running: Running,
    documents: Documents,
    monkeypatch: pytest.MonkeyPatch,
):
    """What was compared with the parent is of two versions, so neither is known to be equal."""
    fill(*FEW)
    fetch_all = flows.refresh.fetch_all

    def two_versions(*arguments: Any) -> list[Manifest]:
        first, *others = fetch_all(*arguments)
        return [msgspec.structs.replace(first, versions={**first.versions, "0" * 40: 1}), *others]

    monkeypatch.setattr(flows.refresh, "fetch_all", two_versions)
    release(running, changed(documents, "meta", tag="v2"))
    assert run_refresh(resources=FEW).name == "Unchanged"
    assert keys(store, CHECKS) == set()


def test_a_key_of_another_type_is_refused_and_readers_see_what_they_saw(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    before = current(store)
    stats = json.loads(documents["pokemon/25"])["stats"]
    stats[0]["stat"]["url"] = {"href": stats[0]["stat"]["url"]}
    release(running, changed(documents, "pokemon/25", stats=stats))
    error = error_of(run_refresh(resources=("pokemon",)), PublishError)
    assert "pokemon_stats: 1 rows whose key (pokemon_id, stat_id)" in str(error)
    assert "pokemon_id=25, stat_id=None" in str(error)
    assert current(store) == before
    assert snapshots(store) == {before.snapshot}


def test_a_mass_deletion_that_is_undone_gives_the_tables_as_they_were(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    before = current(store)
    release(
        running, {path: body for path, body in documents.items() if not path.startswith(("pokemon/1", "pokemon/2"))}
    )
    error = error_of(run_refresh(resources=("pokemon",)), PublishError)
    assert run_refresh(("pokemon",), resources=("pokemon",)).name == "Completed"
    deleted = current(store).changes["pokemon"]["deleted"]
    assert f"{deleted} of 70 documents vanished at once" in str(error)
    release(running, documents)
    assert run_refresh(resources=("pokemon",)).name == "Completed"
    names = [name for name in hashes(before) if not name.startswith("documents/")]
    assert {name: hashes(current(store))[name] for name in names} == {name: hashes(before)[name] for name in names}
