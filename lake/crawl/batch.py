"""Batches: shards that one task of a crawl fetches, as many as are worth a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from lake.crawl.shard import Shard

# A document that the lake has an ETag of is mostly answered by a header: it weighs a sixteenth of one that must come.
FULL, CONDITIONAL = 16, 1

# 256 whole documents, or 4,096 conditional ones: all of PokeAPI is fetched in 64 task runs, and looked through in 4. At
# ten requests a second, a killed run loses less than two minutes of the former, at most 26 of the latter.
MOST_WEIGHT = 256 * FULL

# As many batches are fetched side by side, so their number is a multiple of it, unless they would be smaller than this.
SIDE_BY_SIDE, LEAST_WEIGHT = 4, 16 * FULL

# Each batch is a task run in Prefect's database, so of a larger source they are larger, and not more.
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some shards that follow each other, fetched by one task and resumed as a whole."""

    number: int
    shards: tuple[Shard, ...]

    @property
    def name(self) -> str:
        """The name of the batch in keys: its place, and a hash of what it asks for."""
        asked = "\n".join(shard.name for shard in self.shards)
        return f"{self.number:04d}-{sha256(asked.encode()).hexdigest()[:12]}"

    @property
    def resources(self) -> list[str]:
        """The resources whose documents it asks for, in the order of its shards."""
        return list(dict.fromkeys(shard.resource for shard in self.shards))


def batches(shards: Sequence[Shard]) -> list[Batch]:
    """Return the shards of a crawl in batches of about the same weight, in their order."""
    weights = [_weight(shard) for shard in shards]
    total = sum(weights)
    rounds = -(-total // (MOST_WEIGHT * SIDE_BY_SIDE))
    weight = max(1, -(-total // max(1, min(rounds * SIDE_BY_SIDE, total // LEAST_WEIGHT, MOST))))
    grouped, before = dict[int, list[Shard]](), 0
    for shard, own in zip(shards, weights, strict=True):
        grouped.setdefault(before // weight, []).append(shard)
        before += own
    return [Batch(number, tuple(group)) for number, group in enumerate(grouped.values())]


def _weight(shard: Shard) -> int:
    """Return how much work a shard is; an inline one is read from its listing, many documents a page."""
    if shard.is_inline:
        return len(shard.wanted) * CONDITIONAL
    return sum(FULL if item.etag is None else CONDITIONAL for item in shard.wanted)
