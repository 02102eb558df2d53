"""What a lake takes in S3, and what that costs at list price.

The prices are dollars for S3 Standard in us-east-1, as of 2025, from https://aws.amazon.com/s3/pricing; look there
before you rely on them. Another region may be dearer, and a bill has other things on it: transfers out of AWS, versions
of deleted objects, taxes.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lake.accept import accepted
from lake.commit import commit_seqs, read_commit
from lake.errors import StoreError
from lake.layout import CATALOGS, FOLDERS, SCHEMAS, SNAPSHOTS, forgotten_prefix, is_snapshot_id
from lake.store import Store

# For a month of a gigabyte of 2**30 bytes, of the first 50 TB.
STORED_GIGABYTE = 0.023
GIGABYTE = 1 << 30

# For a thousand requests. Those that delete cost nothing; all others are as GET.
WRITTEN_THOUSAND, READ_THOUSAND = 0.005, 0.0004
WRITES = ("Put", "Copy", "Post", "List", "Create", "Upload", "Complete")
FREE = ("Delete", "Abort")

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Storage:
    """The bytes that a lake has: of each published snapshot's folder, and of all objects together.

    `unpublished` are those of other snapshots: forgotten, being written, or left.
    """

    snapshots: dict[str, int] = field(default_factory=dict)
    total: int = 0
    unpublished: int = 0

    @property
    def dollars_a_month(self) -> float:
        """What a month of it costs."""
        return self.total / GIGABYTE * STORED_GIGABYTE

    def line(self) -> str:
        """Say it in one line."""
        sizes = sorted(self.snapshots.values())
        each = f" of {mb(sizes[0])} to {mb(sizes[-1])}" if len(sizes) > 1 else f" of {mb(sizes[0])}" if sizes else ""
        number = f"{len(sizes):,} snapshot{'s' if len(sizes) != 1 else ''}"
        other = f", {mb(self.unpublished)} forgotten or unpublished" if self.unpublished else ""
        cost = f"{dollars(self.dollars_a_month)} a month at list price"
        return f"{number}{each}{other}, {mb(self.total)} in all; {cost}"

    def facts(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "bytes": self.total,
            "snapshots": self.snapshots,
            "unpublished_bytes": self.unpublished,
            "dollars_a_month": round(self.dollars_a_month, 6),
        }


def measure(store: Store) -> Storage | None:
    """Add up the sizes of all objects of a lake, which are listed; commits say which snapshots are published.

    None if they may not be listed.

    Its folders are listed one by one, because a role may see these and nothing else.
    """

    forgotten = set[str]()

    def sizes(root: str) -> dict[str, int]:
        found = defaultdict[str, int](int)
        for item in store.list(root):
            name = item.key.split("/")[1] if root == SNAPSHOTS else root
            found[name] += item.size
            if root == SNAPSHOTS and item.key.startswith(forgotten_prefix(name)):
                forgotten.add(name)
        return dict(found)

    try:
        with ThreadPoolExecutor(len(FOLDERS)) as pool:
            found = dict(zip(FOLDERS, pool.map(sizes, FOLDERS), strict=True))
        names = sorted(name for name in found[SNAPSHOTS].keys() - forgotten if is_snapshot_id(name))
        published = _published(store, names, commit_seqs(store))
    except StoreError:
        return None
    snapshots = {name: size for name, size in found[SNAPSHOTS].items() if name in published}
    others = found[SNAPSHOTS].keys() - snapshots.keys() - {folder.split("/")[1] for folder in (CATALOGS, SCHEMAS)}
    other = sum(found[SNAPSHOTS][name] for name in others)
    return Storage(snapshots, sum(sum(of.values()) for of in found.values()), other)


def _published(store: Store, names: Sequence[str], seqs: Sequence[int]) -> set[str]:
    """Return which of these snapshots are published, by as few as can be of the commits that may have published them.

    Where there are as many of both, each has one. If not, the commit in their middle tells on which side one lacks,
    because names and numbers ascend together.
    """
    if len(names) == len(seqs) or not names or not seqs:
        return set(names) if seqs else set()
    middle = len(seqs) // 2
    commit = accepted(seqs[middle], partial(read_commit, store))
    if commit is None:
        return _published(store, names, [*seqs[:middle], *seqs[middle + 1 :]])
    place = bisect_left(names, commit.snapshot)
    own = {*names[place : place + 1]} & {commit.snapshot}
    return (
        own
        | _published(store, names[:place], seqs[:middle])
        | _published(store, names[place + len(own) :], seqs[middle + 1 :])
    )


def price_of(requests: Mapping[str, int]) -> float:
    """Return what requests to S3 cost, counted by the names of boto3.

    >>> price_of({"PutObject": 1_000, "GetObject": 1_000, "DeleteObjects": 1_000})
    0.0054
    """
    written = sum(count for name, count in requests.items() if name.startswith(WRITES))
    free = sum(count for name, count in requests.items() if name.startswith(FREE))
    return (written * WRITTEN_THOUSAND + (sum(requests.values()) - written - free) * READ_THOUSAND) / 1_000


def requests_in(numbers: Mapping[str, Any]) -> dict[str, int]:
    """Return the requests of a run by the names of boto3, from the numbers that it left."""
    kinds = {name: count for name, count in numbers.items() if name.startswith("s3_") and name != "s3_requests"}
    return {name.removeprefix("s3_"): int(count) for name, count in kinds.items()}


def mb(size: int) -> str:
    """Return bytes as megabytes."""
    return f"{size / _MB:,.1f} MB"


def dollars(amount: float) -> str:
    """Return an amount with two digits that say something.

    >>> dollars(12.345), dollars(0.00417), dollars(0)
    ('$12.35', '$0.0042', '$0')
    """
    if amount >= 1:
        return f"${amount:,.2f}"
    return f"${float(f'{amount:.2g}'):.10f}".rstrip("0").rstrip(".")
