"""Maintaining: what goes, what stays, and what is said about it, with a real Prefect that knows what is in use."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import Cancelled

from flows import maintain as module
from flows.deploy.code import FORMER_PULL, PULL
from flows.maintain import code_in_use, maintain
from flows.steps.outcome import spoken
from lake.catalogued import forget_notes, note_snapshot
from lake.commit import commit_seqs
from lake.layout import snapshot_folder
from lake.publish.garbage import GRACE
from lake.store import Store
from tests.flows.conftest import LOCATION
from tests.lake import keys, snapshots_of
from tests.lake.publish.killing import NEW, OLD, RIVAL, write
from tests.lake.publish.littering import age, chain, put

Maintain = Callable[..., State[Any]]

LONG = 2 * GRACE
CRAWL, VERSIONS = "staging/0123456789abcdef/", ("1f3a9c021f3a", "77aa01bc77aa", "8be2d1f48be2")


@pytest.fixture
def run_maintain(prefect_server: dict[str, str], store: Store) -> Maintain:
    """Return a function that maintains the lake once."""

    def run(**parameters: Any) -> State[Any]:
        return maintain(LOCATION, **parameters, return_state=True)

    return run


@pytest.fixture
def littered(store: Store) -> Store:
    """Return a lake with two snapshots, an abandoned one of two files, and an abandoned crawl."""
    chain(store, 90, 40)
    write(store, RIVAL)
    age(store, snapshot_folder(RIVAL), LONG)
    put(store, f"{CRAWL}item-0001")
    return store


@pytest.fixture
def client(prefect_server: dict[str, str]) -> Iterator[SyncPrefectClient]:
    """Talk to the Prefect server."""
    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def deploy(client: SyncPrefectClient) -> Iterator[Callable[..., Any]]:
    """Return a function that saves a deployment; all of them are deleted after the test."""
    ids = set()

    @flow(name="deployed")
    def deployed() -> None:
        """Stand for any flow."""

    def save(name: str, version: str | None, folder: str | None, bucket: str = "lake", former: bool = False) -> Any:
        steps: list[dict[str, Any]] = [{FORMER_PULL: {"bucket": bucket, "folder": folder}}]
        if not former:
            steps = [{PULL: {"script": "true", "env": {"BUCKET": bucket, "FOLDER": folder}}}]
        flow_id = client.create_flow(deployed)
        id_ = client.create_deployment(flow_id, name, version=version, pull_steps=steps if folder else None)
        ids.add(id_)
        return id_

    yield save
    for id_ in ids:
        client.delete_deployment(id_)


def artifact(client: SyncPrefectClient) -> list[dict[str, Any]]:
    """Return the rows of the newest table of what was removed."""
    newest = client.read_artifacts(
        artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["pokelake-maintain"])),
        sort=ArtifactSort.CREATED_DESC,
        limit=1,
    )
    return json.loads(newest[0].data)


def test_garbage_is_removed_and_what_it_was_is_said(run_maintain: Maintain, littered: Store, client: SyncPrefectClient):
    size = sum(item.size for item in littered.list(snapshot_folder(RIVAL)))
    state = run_maintain()
    assert spoken(state)[0] == "Completed"
    assert f"1 of snapshots removed (4 objects, {size:,} bytes)" in state.message
    assert "1 of staging removed (1 object, 1 byte)" in state.message
    assert snapshots_of(keys(littered)) == {OLD, NEW}
    assert keys(littered, "staging/") == set()
    rows = {row["what"]: (row["kind"], row["objects"], row["bytes"]) for row in artifact(client)}
    assert rows == {snapshot_folder(RIVAL): ("snapshots", 4, size), CRAWL: ("staging", 1, 1)}


def test_a_dry_run_says_the_same_and_removes_nothing(
    run_maintain: Maintain, littered: Store, client: SyncPrefectClient
):
    before = keys(littered)
    state = run_maintain(dry_run=True, expire_days=30)
    assert spoken(state)[0] == "Planned"
    assert keys(littered) == before
    assert {row["what"] for row in artifact(client)} == {snapshot_folder(RIVAL), CRAWL, OLD}
    assert state.message.endswith(run_maintain(expire_days=30).message)


def test_where_there_is_nothing_to_remove_the_run_is_unchanged(run_maintain: Maintain, store: Store):
    chain(store, 9)
    assert spoken(run_maintain())[0] == "Unchanged"


def test_the_grace_period_is_the_one_given(run_maintain: Maintain, littered: Store):
    assert spoken(run_maintain(grace_hours=24 * 30))[0] == "Unchanged"


def test_how_many_snapshots_stay_or_how_long_is_said_by_one_parameter(run_maintain: Maintain, store: Store):
    chain(store, 90, 40, 20)
    for named in ({"keep": 2, "keep_days": 30}, {"keep_days": 30, "expire_days": 30}):
        assert "expected one of them" in str(run_maintain(**named).message)
    assert "2 snapshots forgotten" in str(run_maintain(dry_run=True, keep=1).message)
    note_snapshot(store, "123456789012.us-east-1.pokemon", NEW)
    assert "1 snapshot forgotten" in str(run_maintain(dry_run=True, keep=1).message)
    forget_notes(store, "123456789012.us-east-1.pokemon")
    assert "1 snapshot forgotten" in str(run_maintain(dry_run=True, keep_days=30).message)
    assert commit_seqs(store) == [1, 2, 3]
    run_maintain(keep=2)
    assert commit_seqs(store) == [2, 3]


@pytest.mark.parametrize("parameters", [{"grace_hours": 23}, {"expire_days": 0}])
def test_a_period_that_would_take_from_runs_in_progress_is_refused(
    run_maintain: Maintain, littered: Store, parameters: dict[str, int]
):
    before = keys(littered)
    assert run_maintain(**parameters).is_failed()
    assert keys(littered) == before


def test_without_an_expiry_every_snapshot_is_kept(run_maintain: Maintain, store: Store):
    chain(store, 900, 800, 700)
    assert spoken(run_maintain())[0] == "Unchanged"
    assert commit_seqs(store) == [1, 2, 3]


def test_expired_snapshots_are_forgotten_and_named_and_a_later_run_removes_their_files(
    run_maintain: Maintain, store: Store, client: SyncPrefectClient
):
    chain(store, 90, 40, 20)
    state = run_maintain(expire_days=30)
    assert f"1 snapshot forgotten: {OLD}" in state.message
    assert [(row["kind"], row["what"]) for row in artifact(client)] == [("forgotten", OLD)]
    assert commit_seqs(store) == [2, 3]
    assert spoken(run_maintain(expire_days=30))[0] == "Unchanged"
    age(store, "", GRACE + timedelta(hours=1))
    assert "1 of snapshots removed" in run_maintain(expire_days=30).message
    assert snapshots_of(keys(store)) == {NEW, RIVAL}


def test_code_that_a_deployment_pulls_stays(run_maintain: Maintain, store: Store, deploy: Callable[..., Any]):
    put(store, *(f"code/{version}/MANIFEST.json" for version in VERSIONS))
    deploy("refresh", VERSIONS[0], f"pokelake/code/{VERSIONS[0]}/")
    deploy("discover", None, f"pokelake/code/{VERSIONS[1]}/", former=True)
    assert "1 of code removed" in run_maintain().message
    assert {key.split("/")[1] for key in keys(store, "code/")} == set(VERSIONS[:2])


def test_code_of_a_run_that_is_not_finished_stays(client: SyncPrefectClient, store: Store, deploy: Callable[..., Any]):
    """A deployment that was made anew since then names another version."""
    id_ = deploy("refresh", VERSIONS[0], f"pokelake/code/{VERSIONS[0]}/")
    run = client.create_flow_run_from_deployment(id_)
    deploy("refresh", VERSIONS[1], f"pokelake/code/{VERSIONS[1]}/")
    assert code_in_use(store) == {VERSIONS[0], VERSIONS[1]}
    client.set_flow_run_state(run.id, Cancelled(), force=True)
    assert code_in_use(store) == {VERSIONS[1]}


@pytest.mark.parametrize("folder", [None, "other/code/1f3a9c021f3a/", "code/1f3a9c021f3a/"])
def test_a_prefect_whose_deployments_pull_from_elsewhere_does_not_judge_code(
    run_maintain: Maintain, store: Store, deploy: Callable[..., Any], folder: str | None
):
    """Such as the server that a command starts for itself: it knows none, and the code is in use all the same."""
    put(store, f"code/{VERSIONS[0]}/MANIFEST.json")
    deploy("refresh", VERSIONS[1], folder)
    assert spoken(run_maintain())[0] == "Unchanged"


def test_more_deployments_than_prefect_returns_at_once_are_all_asked(
    store: Store, deploy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "PAGE", 2)
    for number, version in enumerate(VERSIONS):
        deploy(f"refresh-{number}", version, f"pokelake/code/{version}/")
    assert code_in_use(store) == set(VERSIONS)


def test_lakes_in_one_bucket_leave_each_others_code_and_garbage_alone(
    run_maintain: Maintain, store: Store, s3_client: Any, deploy: Callable[..., Any]
):
    """One of them lies in the whole bucket, one below another; each has its own deployments, or those of elsewhere."""
    every = {prefix: Store(store.bucket, prefix, s3_client) for prefix in ("", "pokelake", "pokelake/moon")}
    for lake in every.values():
        put(lake, *(f"code/{version}/MANIFEST.json" for version in VERSIONS), f"{CRAWL}item-0001")
    deploy("refresh", VERSIONS[0], f"pokelake/code/{VERSIONS[0]}/")
    deploy("refresh-moon", VERSIONS[1], f"pokelake/moon/code/{VERSIONS[1]}/", former=True)
    deploy("elsewhere", VERSIONS[2], f"code/{VERSIONS[2]}/", bucket="other")
    assert {prefix: code_in_use(lake) is None for prefix, lake in every.items()} == {
        "": True,
        "pokelake": False,
        "pokelake/moon": False,
    }
    before, code = keys(every[""]), {f"pokelake/code/{version}/MANIFEST.json" for version in VERSIONS}
    assert "1 of staging removed" in run_maintain().message
    # What another lake pulls stays here as well, because nobody asks which of them made a version.
    assert before - keys(every[""]) == {f"pokelake/{CRAWL}item-0001"}
    assert code <= keys(every[""])
