"""Rebuilding: the tables of any snapshot follow from its documents alone, byte for byte."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from prefect.client.schemas import State

import lake.tables
from flows.local.replica import Running
from flows.rebuild import rebuild
from flows.steps.events import PUBLISHED
from lake.commit import Commit, commit_seqs, read_commit
from lake.errors import LakeError
from lake.layout import commit_key
from lake.read import Lake
from lake.store import Store
from tests.flows.chain import only
from tests.flows.conftest import LOCATION, Fill, Refresh
from tests.flows.lakeside import changed, current, error_of, event, release
from tests.lake import keys

Documents = dict[str, bytes]
Rebuild = Callable[..., State[Any]]


@pytest.fixture
def run_rebuild(prefect_server: dict[str, str], store: Store) -> Rebuild:
    """Return a function that rebuilds a snapshot, the current one unless told otherwise."""

    def run(as_of: str | None = None) -> State[Any]:
        return rebuild(LOCATION, as_of, return_state=True)

    return run


@pytest.fixture
def other_code(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which the code that builds tables counts as another version of itself."""

    def change() -> None:
        monkeypatch.setattr(lake.tables, "fingerprint", lambda: "0123456789abcdef")

    return change


@pytest.fixture
def other_tables(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which the code puts a mark before the name of every Pokémon."""
    build = lake.tables.build

    def marked(built: lake.tables.Built) -> lake.tables.Built:
        if built.table.name != "pokemon":
            return built
        place = built.rows.schema.get_field_index("name")
        names = pa.array([f"?{name}" for name in built.rows["name"].to_pylist()])
        rows = built.rows.set_column(place, built.rows.schema.field(place), names)
        return lake.tables.Built(built.table, rows, built.drifts)

    def change() -> None:
        monkeypatch.setattr(lake.tables, "build", lambda *given: [marked(built) for built in build(*given)])

    return change


def files(commit: Commit) -> dict[str, dict[str, str]]:
    """Return the hash of every file of a snapshot, table by table."""
    return {name: {file.name: file.sha256 for file in table.files} for name, table in commit.tables.items()}


def rewritten(store: Store, commit: Commit, **members: Any) -> None:
    """Replace members of a published commit, as another version of the code would have written them."""
    body = {**json.loads(store.get(commit_key(commit.seq))), **members}
    store.delete([commit_key(commit.seq)])
    store.create(commit_key(commit.seq), json.dumps(body).encode())


def test_the_same_code_finds_nothing_to_publish(fill: Fill, run_rebuild: Rebuild, store: Store):
    fill("pokemon")
    before = keys(store)
    state = run_rebuild()
    assert state.name == "Unchanged"
    assert current(store).snapshot in state.message
    assert keys(store) == before


def test_after_a_refresh_with_other_code_that_builds_the_same_the_probe_is_enough_again(
    fill: Fill, run_refresh: Refresh, store: Store, other_code: Callable[[], None]
):
    fill("pokemon")
    other_code()
    assert "every file is unchanged" in run_refresh(resources=("pokemon",)).message
    assert "upstream is still at" in run_refresh(resources=("pokemon",)).message
    assert current(store).seq == 1


def test_other_code_publishes_other_tables_of_the_same_documents(
    fill: Fill, run_rebuild: Rebuild, store: Store, other_tables: Callable[[], None]
):
    fill("pokemon")
    old = current(store)
    other_tables()
    since = datetime.now(UTC)
    assert run_rebuild().name == "Completed"
    new = current(store)
    assert event(PUBLISHED, f"pokelake.snapshot.{new.snapshot}", since)["parent"] == old.snapshot
    assert (new.seq, new.parent) == (2, old.snapshot)
    assert (new.source, new.stale, new.missing) == (old.source, old.stale, old.missing)
    differing = {name for name, hashes in files(new).items() if hashes != files(old)[name]}
    assert differing == {"pokemon"}
    assert set(Lake(store).read("pokemon")["name"].str[:1]) == {"?"}
    assert "pikachu" in set(Lake(store).read("pokemon", as_of=old.snapshot)["name"])


def test_an_earlier_snapshot_is_compared_and_what_differs_is_named(
    fill: Fill,
    run_refresh: Refresh,
    run_rebuild: Rebuild,
    store: Store,
    running: Running,
    documents: Documents,
    other_tables: Callable[[], None],
):
    fill("pokemon")
    first = current(store).snapshot
    release(running, changed(documents, "pokemon/25", height=5))
    run_refresh(resources=("pokemon",))
    before = keys(store)
    assert run_rebuild(first).name == "Unchanged"
    other_tables()
    state = run_rebuild(first)
    assert state.name == "Different"
    assert f"1 of {len(current(store).tables)} tables of {first} differ" in state.message
    assert state.message.endswith(": pokemon")
    assert keys(store) == before


def test_after_any_chain_of_changes_every_snapshot_follows_from_its_documents(
    run_refresh: Refresh, run_rebuild: Rebuild, store: Store, running: Running, documents: Documents
):
    """Tables that were carried forward, whole or in the rows of some resources, must be what a rebuild gives."""
    resources = ("generation", "item", "meta", "pokemon", "pokemon-species")
    items = sorted(path for path in documents if path.startswith("item/"))
    texts = json.loads(documents[items[0]])["flavor_text_entries"]
    ditto = {**json.loads(documents["pokemon/132"]), "id": 1_000_132, "name": "other-ditto"}
    generations = {path: body for path, body in documents.items() if path.startswith("generation/")}
    steps: list[Callable[[Documents], Documents]] = [
        lambda now: now,
        lambda now: {**changed(now, "pokemon/25", height=5), "pokemon/1000132": json.dumps(ditto).encode()},
        lambda now: changed(now, items[0], flavor_text_entries=[{**texts[0], "text": "Another text."}, *texts[1:]]),
        lambda now: changed(now, "pokemon-species/25", generation={"name": "x", "url": "/api/v2/generation/9/"}),
        lambda now: changed(now, "meta", tag="another"),
        lambda now: {path: body for path, body in now.items() if path not in {items[1], *generations}},
        lambda now: {**now, **generations},
    ]
    now = only(documents, *resources)
    for step in steps:
        now = step(now)
        release(running, now)
        assert run_refresh(("generation",), resources=resources).name in {"Completed", "Unchanged"}
    commits = [read_commit(store, seq) for seq in commit_seqs(store)]
    assert len(commits) == len(steps) - 1  # What the source says of itself is no change.
    for older, newer in pairwise(commits):
        carried = [name for name, hashes in files(newer).items() if hashes == files(older)[name]]
        assert 0 < len(carried) < len(newer.tables)
    assert [run_rebuild(commit.snapshot).name for commit in commits] == ["Unchanged"] * len(commits)


def test_a_snapshot_from_before_there_were_kinds_of_sources_is_rebuilt(
    fill: Fill, run_refresh: Refresh, run_rebuild: Rebuild, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    first = current(store)
    release(running, changed(documents, "pokemon/25", height=5))
    run_refresh(resources=("pokemon",))
    for commit in (first, current(store)):
        source = asdict(commit.source)
        known = {name: source[name] for name in ("base_url", "version", "answers", "resources", "requests")}
        rewritten(store, commit, source=known)
    assert run_rebuild().name == "Unchanged"
    assert run_rebuild(first.snapshot).name == "Unchanged"


def test_an_empty_lake_is_named(run_rebuild: Rebuild):
    assert "nothing was ever published here" in str(error_of(run_rebuild(), LakeError))
