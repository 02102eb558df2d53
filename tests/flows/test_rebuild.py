"""Rebuilding: the tables of any snapshot follow from its documents alone, byte for byte."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.schemas import State

from flows.local.replica import demo_documents
from flows.rebuild import rebuild
from flows.steps.events import PUBLISHED
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation
from lake.commit import Commit
from lake.errors import LakeError
from lake.layout import commit_key
from lake.store import Store
from tests.flows.lakeside import error_of, event
from tests.lake import keys
from tests.lake.assemble.lakeside import Lakeside, changed, differing, lakeside, mark_names, only

SINCE = datetime.now(UTC)
LAKE = LakeLocation(bucket="rebuilt", prefix="pokelake")


@dataclass
class Story:
    """A lake of three snapshots, what rebuilds of them came to, and what lay in the lake before and after each."""

    lake: Lakeside
    commits: list[Commit]
    states: dict[str, State[Any]]
    keys: dict[str, set[str]]
    rebuilt: Commit


def rewrite(store: Store, commit: Commit, **members: Any) -> None:
    """Replace members of a published commit, as another version of the code would have written them."""
    body = {**json.loads(store.get(commit_key(commit.seq))), **members}
    store.delete([commit_key(commit.seq)])
    store.create(commit_key(commit.seq), json.dumps(body).encode())


@pytest.fixture(scope="module")
def story(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Story]:
    """Rebuild as long as the code is the same, then with code that puts a mark before the name of every Pokémon."""
    documents = only(demo_documents(), "pokemon", "pokemon-species", "type")
    with lakeside(s3_endpoint, "rebuilt") as lake, pytest.MonkeyPatch.context() as patch:
        texts = json.loads(documents["pokemon-species/25"])["flavor_text_entries"]
        other = changed(documents, "pokemon-species/25", flavor_text_entries=texts[1:])
        commits = [
            lake.fill(documents),
            lake.fill(other, failing={"type/1"}),
            lake.fill(changed(changed(other, "pokemon/25", height=5), "type/1", name="plain"), failing={"type/1"}),
        ]
        states: dict[str, State[Any]] = {}
        left = {"before": keys(lake.store)}

        def run(name: str, as_of: str | None = None) -> None:
            states[name] = rebuild(LAKE, as_of, return_state=True)
            left[name] = keys(lake.store)

        run("current")
        for number, commit in enumerate(commits[:2]):
            run(f"earlier {number}", commit.snapshot)
        for commit in commits[::2]:
            source = asdict(commit.source)
            known = {name: source[name] for name in ("base_url", "version", "answers", "resources", "requests")}
            rewrite(lake.store, commit, source=known)
        run("of an old commit")
        run("of an old and earlier commit", commits[0].snapshot)
        rewrite(lake.store, commits[2], source=asdict(commits[2].source))
        damaged = next(key for key in commits[0].keys() if "/types/" in key)  # noqa: SIM118
        body = lake.store.get(damaged)
        lake.store.delete([damaged])
        lake.store.create(damaged, body[:-1] + b"?")
        run("earlier, damaged", commits[0].snapshot)
        lake.store.delete([damaged])
        lake.store.create(damaged, body)
        mark_names(patch)
        run("earlier, other code", commits[0].snapshot)
        run("other code")
        yield Story(lake, commits, states, left, lake.commit)


def test_the_same_code_finds_nothing_to_publish(story: Story):
    """Be the snapshot the current one, an earlier one, or one from before there were kinds of sources."""
    first, second, third = (commit.snapshot for commit in story.commits)
    expected = {
        "current": third,
        "earlier 0": first,
        "earlier 1": second,
        "of an old commit": third,
        "of an old and earlier commit": first,
    }
    for name, snapshot in expected.items():
        state = story.states[name]
        assert spoken(state) == ("Unchanged", f"every file of {snapshot} is unchanged"), name
        assert story.keys[name] == story.keys["before"], name


def test_an_earlier_snapshot_is_compared_and_what_differs_is_named(story: Story):
    state, first = story.states["earlier, other code"], story.commits[0]
    assert spoken(state)[0] == "Different"
    assert spoken(state)[1].startswith(f"1 of {len(first.tables)} tables of {first.snapshot} ")
    assert str(state.message).endswith(": pokemon")
    assert story.keys["earlier, other code"] == story.keys["before"]


def test_an_earlier_snapshot_with_a_damaged_file_is_not_called_unchanged(story: Story):
    state, first = story.states["earlier, damaged"], story.commits[0]
    assert spoken(state)[0] == "Different"
    assert spoken(state)[1].startswith(f"1 file of {first.snapshot} missing or damaged in the bucket")
    assert str(state.message).endswith("never change: types/generation=1/part-0.parquet")


def test_other_code_publishes_other_tables_of_the_same_documents(story: Story):
    old, new = story.commits[-1], story.rebuilt
    assert story.states["other code"].name == "Completed"
    assert story.states["other code"].message == f"published {new.snapshot}, rebuilt from {old.snapshot}"
    assert event(PUBLISHED, f"pokelake.snapshot.{new.snapshot}", SINCE)["parent"] == old.snapshot
    assert (new.seq, new.parent) == (4, old.snapshot)
    assert [failure.path for failure in new.missing + new.stale] == ["type/1"]
    assert (new.source, new.stale, new.missing) == (old.source, old.stale, old.missing)
    assert differing(old, new) == {"pokemon"}
    read = story.lake.lake.read
    assert set(read("pokemon")["name"].str[:1]) == {"?"}
    assert "pikachu" in set(read("pokemon", as_of=old.snapshot)["name"])


def test_an_empty_lake_is_named(story: Story):
    state = rebuild(LakeLocation(bucket="rebuilt", prefix="empty"), return_state=True)
    assert "nothing was ever published here" in str(error_of(state, LakeError))
