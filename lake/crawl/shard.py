"""Shards: pieces of a crawl, each fetched, staged and resumed as a whole, and the outcome of fetching one."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from lake.resource import Document, Reference

# Why a document failed that was not waited for, because the crawl was told to stop; the next run asks for it.
CUT_SHORT = "not asked for, because the crawl was told to stop"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document to ask for: where, the ETag of the version at hand, and whether the source still lists it.

    If its entry in the listing is odd, `problem` says why it cannot be asked for.
    """

    reference: Reference
    etag: str | None = None
    is_listed: bool = True
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """Some documents of one resource, by ascending id; an inline shard has all, and is read from the listing.

    `changes` is the URL of that listing if it has only what changed.
    """

    resource: str
    number: int
    wanted: tuple[Wanted, ...]
    is_inline: bool = False
    changes: str = ""

    @property
    def name(self) -> str:
        """The name of the shard in logs and keys: its place, and a hash of what it asks for."""
        asked = "\n".join(f"{item.reference.url} {item.etag} {item.is_listed}" for item in self.wanted)
        asked += f"\n{self.changes}" if self.changes else ""
        return f"{self.resource}-{self.number:04d}-{sha256(asked.encode()).hexdigest()[:12]}"


@dataclass(slots=True)
class Fetched:
    """The outcome of fetching a shard; each of its documents is in exactly one of the four lists.

    `failed` gives the reason for each; `versions` counts the answers of each upstream version. `began` is when the
    first of them was asked for, by the source's clock.
    """

    received: list[Document] = field(default_factory=list)
    unchanged: list[Reference] = field(default_factory=list)
    gone: list[Reference] = field(default_factory=list)
    failed: list[tuple[Reference, str]] = field(default_factory=list)
    requests: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    began: datetime | None = None

    @property
    def answered(self) -> int:
        """How many documents it has an outcome of."""
        return len(self.received) + len(self.unchanged) + len(self.gone) + len(self.failed)

    def add(self, other: "Fetched") -> None:
        """Take in the outcome of fetching other documents of the same shard."""
        self.received += other.received
        self.unchanged += other.unchanged
        self.gone += other.gone
        self.failed += other.failed
        self.requests += other.requests
        self.versions += other.versions
        self.began = min(filter(None, (self.began, other.began)), default=None)
