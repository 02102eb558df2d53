"""Shards, the pieces of a crawl that are fetched, staged and resumed as one each, and what becomes of them."""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256

from lake.resource import Document, Reference


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document to ask for: where, the ETag of the version at hand, and whether the source still lists it."""

    reference: Reference
    etag: str | None = None
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class Shard:
    """Some documents of one resource, by ascending id; an inline one is read from the listing, and has all of them."""

    resource: str
    number: int
    wanted: tuple[Wanted, ...]
    is_inline: bool = False

    @property
    def name(self) -> str:
        """What the shard is called in logs and keys: its place, and a hash of what it asks for."""
        asked = "\n".join(f"{item.reference.url} {item.etag} {item.is_listed}" for item in self.wanted)
        return f"{self.resource}-{self.number:04d}-{sha256(asked.encode()).hexdigest()[:12]}"


@dataclass(slots=True)
class Fetched:
    """What became of a shard's documents; every one of them stands in exactly one of the four places.

    `failed` gives the reason for each; `versions` counts the answers of each upstream version.
    """

    received: list[Document] = field(default_factory=list)
    unchanged: list[Reference] = field(default_factory=list)
    gone: list[Reference] = field(default_factory=list)
    failed: list[tuple[Reference, str]] = field(default_factory=list)
    requests: int = 0
    versions: Counter[str] = field(default_factory=Counter)
