"""What lies below ``commits/`` and is no commit hides none: readers and writers go on from the last good one."""

import json
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

import lake.commit
from lake.accept import _warn_once
from lake.commit import Commit, commit_seqs, head, parent_of, read_commit
from lake.errors import ConflictError, LakeError, NoCommitError
from lake.layout import commit_key
from lake.publish.garbage import GRACE, find_expired, find_garbage
from lake.read import Lake
from lake.store import Store
from tests.lake.commits import COMMIT, SNAPSHOT
from tests.lake.publish.killing import NEW, OLD, REQUESTS, RIVAL, Interrupted, publish
from tests.lake.publish.littering import DAY
from tests.s3 import client_without_socket
from tests.tried import tried

FAR = 9_999_999_999

# Each has the place of a member, and what stands there instead.
WRONG_MEMBERS: list[tuple[str, Any]] = [
    *(("seq", 1), ("seq", 10**30), ("seq", "3"), ("seq", None), ("format", 10**30), ("format", "1"), ("run", [])),
    *(("snapshot", "../../x"), ("snapshot", f"{SNAPSHOT}\n"), ("snapshot", COMMIT.parent), ("parent", "current")),
    *(("committed_at", "yesterday"), ("committed_at", "2026-08-08"), ("committed_at", 5), ("run.code_version", ["x"])),
    *(("snapshot", "99999999T999999Z-1f3a9c02"), ("parent", "20260230T000000Z-1f3a9c02"), ("source.requests", 2**63)),
    *(("changes.pokemon.added", 10**30), ("source.answers.0d8fe2bf", -1), ("tables", {})),
    *(("tables", []), ("tables.../up", {}), ("tables.pokemon", 5), ("tables.pokemon.files", [])),
    *(
        ("tables.pokemon.fields", 2 * [{"name": "pokemon_id", "type": "int32"}]),
        ("tables.pokemon.fields", [{"name": "height_dm", "type": "int32"}]),
        ("tables.pokemon.fields", [{"name": "pokemon_id", "type": "int32", "nulls": "3"}]),
        ("tables.pokemon.fields", [{}]),
        ("tables.pokemon.fields", [{"name": 5, "type": "int32"}]),
        ("tables.pokemon.primary_key", ["pokemon_id", "pokemon_id"]),
        ("tables.pokemon.schema", "../../x"),
        ("tables.pokemon.nulls", {"height_dm": -1}),
        ("audits", [{}]),
    ),
    *(
        (f"tables.pokemon.files.0.{member}", value)
        for member, value in (
            *(("name", "../../../part-0.parquet"), ("name", "/etc/passwd"), ("name", "generation=1/part-0.parquet")),
            *(("name", "generation=0/../part-0.parquet"), ("name", "commits/0000000001.json"), ("partition", 10**6)),
            *(
                ("rows", -1),
                ("rows", 1.5),
                ("rows", 2**63),
                ("rows", 2**63 - 1),
                ("partition", None),
                ("bytes", True),
                ("sha256", "b"),
                ("sha256", "B" * 64),
            ),
        )
    ),
]


def with_member(commit: Commit, path: str, value: Any) -> bytes:
    """Return a commit with another value of one member."""
    tree = json.loads(commit.to_json())
    *above, last = path.split(".") if not path.startswith("tables...") else ("tables", path[7:])
    place = tree
    for step in above:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value
    return json.dumps(tree).encode()


@pytest.fixture
def client(bucket: str, s3_endpoint: str) -> Any:
    """Return a client whose requests are counted without a socket."""
    return client_without_socket(s3_endpoint)


@pytest.fixture
def store(client: Any) -> Store:
    """Open an empty lake."""
    return Store("lake", "pokelake", client)


@pytest.fixture
def good(store: Store) -> Commit:
    """Publish two snapshots, and return the newer one."""
    return publish(store, NEW, publish(store, OLD, None))


# A partition and its value may agree, and be none that a writer makes.
ODD_PARTITIONS = [
    *(
        ("generation", "UP-0"),
        ("generation", "1"),
        ("generation", None),
        (None, 1),
        (None, "UP-0"),
        ("resource", "UP-0"),
    ),
    *(("resource", 1), ("resource", None)),
]


def with_partition(commit: Commit, partition: str | None, value: str | int | None) -> bytes:
    """Return a commit with a table of one file, in a folder that fits."""
    folder = f"{partition}={value}/" if partition and value is not None else ""
    tree = json.loads(commit.to_json())
    [file] = tree["tables"]["generations"]["files"]
    tree["tables"]["generations"]["partition"] = partition
    file |= {"name": f"{folder}part-0.parquet", "partition": value}
    return json.dumps(tree).encode()


def spoilt(commit: Commit) -> dict[str, bytes]:
    """Return bodies that are no commit number 3, by what is wrong with each."""
    third = replace(COMMIT, seq=3)
    body = third.to_json()
    deep = b"[" * 100_000 + b"]" * 100_000
    return {
        "a copy": commit.to_json(),
        "empty": b"",
        "cut": body[:-100],
        "binary": b"PAR1\xff\xfe",
        "deep": body.replace(b'"run": {', b'"run": {"x": ' + deep + b","),
        "a deep list": deep,
        "not a number": body.replace(b'"rows":203', b'"rows":NaN'),
        "a huge number": body.replace(b'"rows":203', b'"rows":' + b"9" * 10_000),
        "half a surrogate pair": body.replace(b'"fingerprint": "', b'"fingerprint": "\\ud800'),
        **{f"partition {odd}": with_partition(third, *odd) for odd in ODD_PARTITIONS},
        **{f"{path}: {value!r:.40}": with_member(third, path, value) for path, value in WRONG_MEMBERS},
    }


def test_what_is_no_commit_is_passed_over(store: Store, good: Commit, subtests, caplog):
    """One paragraph names it, once."""
    for name, body in spoilt(good).items():
        with subtests.test(name):
            caplog.clear()
            _warn_once.cache_clear()
            store.create(commit_key(3), body)
            assert head(store) == Lake(store).commit() == good
            [said] = [record.message for record in caplog.records]
            assert said.startswith(
                "s3://lake/pokelake/commits/0000000003.json: expected a commit, found an object that"
            )
            assert said.endswith("delete the object while nothing is publishing; it is passed over")
            assert "\n" not in said
            assert len(said) < 600
            store.delete([commit_key(3)])


def test_the_next_commit_has_the_number_after_what_is_none(store: Store, good: Commit):
    """Whoever deletes that later."""
    store.create(commit_key(3), good.to_json())
    store.create(commit_key(4), b"{")
    assert publish(store, RIVAL, head(store)).snapshot == RIVAL
    for _ in range(2):
        assert (head(store).seq, head(store).parent) == (5, NEW)
        assert Lake(store).snapshots()["snapshot"].tolist() == [RIVAL, NEW, OLD]
        assert Lake(store).commit(NEW) == good
        assert parent_of(store, head(store)) == good
        store.delete([commit_key(3), commit_key(4)])


def test_a_commit_that_is_known_is_not_read_again(store: Store, good: Commit, monkeypatch: pytest.MonkeyPatch):
    old = read_commit(store, 1)
    assert head(store, old) == good
    monkeypatch.setattr("lake.commit.read_commit", None)
    assert head(store, good) is good


@pytest.mark.parametrize("seq", [2, 3, FAR])
def test_a_commit_under_the_highest_number_of_all_is_none(store: Store, good: Commit, seq: int, caplog):
    """Not even if it says the number of its key: the lake would have no number left."""
    store.create(commit_key(FAR), replace(COMMIT, seq=seq).to_json())
    _warn_once.cache_clear()
    assert head(store) == Lake(store).commit() == good
    assert "its number is far above that of any commit before it" in caplog.text
    assert publish(store, RIVAL, good) == head(store)
    assert commit_seqs(store) == [1, 2, 3]


def test_a_first_snapshot_is_published_beside_what_is_no_commit(store: Store):
    for seq in (1, 2, FAR):
        store.create(commit_key(seq), replace(COMMIT, seq=5).to_json())
    assert head(store) is None
    with pytest.raises(LakeError, match="nothing was ever published here"):
        Lake(store).commit()
    publish(store, NEW, None)
    assert (head(store).seq, head(store).parent) == (3, None)


def test_of_two_writers_one_wins_also_where_a_number_is_passed_over(client, subtests):
    """The loser may follow, whichever request the other one comes before."""
    for at in tried(range(1, 2 * REQUESTS), REQUESTS, REQUESTS + 1):
        with subtests.test(at=at):
            store = Store("lake", f"at-{at}", client)
            old, winners = publish(store, OLD, None), []
            store.create(commit_key(2), b"{")

            def run(snapshot: str, store: Store, old: Commit = old, winners: list[str] = winners) -> None:
                with suppress(ConflictError):
                    publish(store, snapshot, old)
                    winners.append(snapshot)

            run(NEW, Store("lake", store.prefix, Interrupted(client, at, partial(run, RIVAL, store), "before")))
            if at > REQUESTS:
                run(RIVAL, store)
            assert len(winners) == 1
            assert (head(store).snapshot, head(store).seq) == (winners[0], 3)


def test_a_commit_of_a_later_format_is_never_passed_over(store: Store, good: Commit):
    store.create(commit_key(3), b'{"format": 3}')
    for ask in (lambda: head(store), lambda: Lake(store).commit(), lambda: publish(store, RIVAL, good)):
        with pytest.raises(LakeError, match="upgrade"):
            ask()


def test_an_object_that_is_too_large_is_not_fetched(store: Store, good: Commit, monkeypatch):
    monkeypatch.setattr(lake.commit, "MAX_BYTES", 10_000)
    store.create(commit_key(3), b" " * 10_001)
    assert head(store) == good
    with pytest.raises(NoCommitError, match="expected at most 10,000 bytes, found 10,001"):
        read_commit(store, 3)


def test_a_commit_that_was_damaged_on_its_way_is_fetched_again(store: Store, good: Commit, monkeypatch):
    """No commit says which bytes it should have; what is there comes twice."""
    get, bodies = store.get, iter([b"{", b"[", b"{"])
    monkeypatch.setattr(store, "get", lambda key, *more: next(bodies, None) or get(key, *more))
    assert read_commit(store, 2) == good


def test_nothing_expires_and_nothing_is_garbage_because_of_what_is_no_commit(store: Store, good: Commit):
    store.create(commit_key(FAR), replace(COMMIT, seq=FAR).to_json())
    assert [commit.seq for commit in find_expired(store, -DAY)] == [1]
    assert find_garbage(store, GRACE, set()) == []
    store.create(commit_key(3), b"{")
    assert [commit.seq for commit in find_expired(store, -DAY)] == [1]
    with pytest.raises(NoCommitError, match=commit_key(3)):
        find_garbage(store, GRACE, set())
