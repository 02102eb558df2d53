"""Lakes with garbage in them: objects of any age, chains of snapshots, and what is found and left of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from moto.s3.models import s3_backends

from lake.commit import Commit, commit_seqs, read_commit
from lake.layout import commit_key, snapshot_folder
from lake.publish.garbage import GRACE, find_garbage, remove
from lake.store import Store
from tests.lake.publish.killing import NEW, OLD, RIVAL, Interrupted, publish, read

DAY = timedelta(days=1)
LONG = 2 * GRACE
CRAWL = "staging/0123456789abcdef/"
SHARDS = "results/shards/0123456789abcdef/"
LISTING, OTHER_LISTING = f"results/listings/{'a' * 32}", f"results/listings/{'b' * 32}"
CODE, OTHER_CODE = "code/3f9a0c11d2e4/", "code/77aa01bc8be2/"


def age(store: Store, folder: str, by: timedelta) -> None:
    """Let the objects below a folder have been written that much earlier by S3's clock."""
    [account] = s3_backends.values()
    for key, item in account["aws"].buckets[store.bucket].keys.items():
        if key.startswith(store.prefix + folder):
            item.last_modified -= by


def put(store: Store, *keys: str, ago: timedelta = LONG) -> None:
    """Write objects of one byte, longer ago than the grace period unless told otherwise."""
    for key in keys:
        store.create(key, b"1")
        age(store, key, ago)


def found(store: Store, codes: set[str] | None = None) -> set[str]:
    """Return the folders that are found to be garbage."""
    return {item.folder for item in find_garbage(store, GRACE, codes)}


def chain(store: Store, *days_ago: float) -> list[Commit]:
    """Publish up to three snapshots, one after the other, each that many days ago."""
    commits: list[Commit] = []
    for snapshot, days in zip((OLD, NEW, RIVAL), days_ago, strict=False):
        commits.append(publish(store, snapshot, commits[-1] if commits else None))
        for folder in (snapshot_folder(snapshot), commit_key(len(commits))):
            age(store, folder, days * DAY)
    return commits


def whole(store: Store) -> list[int]:
    """Return the numbers of all commits, after a look at every file that they name: a chain without gaps."""
    seqs = commit_seqs(store)
    commits = [read_commit(store, seq) for seq in seqs]
    assert seqs == list(range(seqs[0], seqs[-1] + 1)), "a gap in the chain"
    assert [commit.parent for commit in commits[1:]] == [commit.snapshot for commit in commits[:-1]]
    for commit in commits:
        read(store, commit)
    return seqs


def collect(store: Store) -> None:
    remove(store, find_garbage(store, GRACE, set()))


def requests_of(act: Callable[[Store], object], store: Store, client: Any) -> int:
    """Return how many requests it takes."""
    counted = Interrupted(client, 0, lambda: None, "before")
    act(Store("lake", store.prefix, counted))
    return counted.requests


def flip(store: Store, key: str, is_missing: bool = False) -> None:
    """Change one bit of an object, which keeps its size; or delete it."""
    body = store.get(key)
    store.delete([key])
    if not is_missing:
        store.create(key, body[:100] + bytes([body[100] ^ 1]) + body[101:])
