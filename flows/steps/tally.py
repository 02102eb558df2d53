"""What came of each resource of a crawl: a title for each of its tasks, and one line once all of its shards are in."""

import time
from collections import Counter
from collections.abc import Sequence

from flows.steps.logs import note
from flows.steps.numbers import numbers
from lake.assemble.staging import Manifest
from lake.crawl import Batch, Shard
from lake.text import counted


def titles(batches: Sequence[Batch]) -> list[str]:
    """Return what a person calls each batch, such as ``pokemon 3/5``, or ``ability and 6 more``."""
    last = Counter(batch.resources[0] for batch in batches if len(batch.resources) == 1)
    seen = Counter[str]()
    named = []
    for batch in batches:
        resource, *others = batch.resources
        if others:
            named.append(f"{resource} and {others[0] if len(others) == 1 else f'{len(others)} more'}")
        else:
            seen[resource] += 1
            named.append(f"{resource} {seen[resource]}/{last[resource]}")
    return named


class Tally:
    """Counts a crawl's documents into the numbers of its run, and says what came of a resource when all of it is in."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._left = Counter(shard.resource for shard in shards)
        self._wanted = Counter[str]()
        for shard in shards:
            self._wanted[shard.resource] += len(shard.wanted)
        self._answered, self._sent, self._failed = Counter[str](), Counter[str](), Counter[str]()
        self._kept = Counter[str]()
        self._began = dict[str, float]()

    def begin(self, resource: str) -> None:
        """Note that the first documents of a resource are asked for."""
        self._began.setdefault(resource, time.monotonic())

    def note(self, shard: Shard, manifest: Manifest, is_fetched: bool) -> None:
        """Take in a shard: this run fetched it, or an earlier one of the same crawl did."""
        resource = shard.resource
        self._answered[resource] += manifest.answered
        self._sent[resource] += manifest.documents
        self._failed[resource] += len(manifest.failed) - manifest.cut_short
        if is_fetched:
            count(manifest)
        else:
            self._kept[resource] += manifest.answered
        self._left[resource] -= 1
        if not self._left[resource]:
            note(self._line(resource))

    def note_again(self, manifests: Sequence[Manifest]) -> None:
        """Take in the second round, in which the documents that failed were asked for again."""
        answered = failed = 0
        for manifest in manifests:
            count(manifest)
            answered += manifest.answered
            failed += len(manifest.failed)
        if manifests:
            note(f"crawl: {counted(answered + failed, 'document')} asked for again, {failed:,} failed again")

    def _line(self, resource: str) -> str:
        now = time.monotonic()
        seconds = now - self._began.get(resource, now)
        kept = f", {self._kept[resource]:,} of them fetched by an earlier run" if self._kept[resource] else ""
        return (
            f"crawl: {resource} {self._answered[resource]:,} of {counted(self._wanted[resource], 'document')},"
            f" {self._sent[resource]:,} sent, {self._failed[resource]:,} failed, {seconds:,.1f} s{kept}"
        )


def count(manifest: Manifest) -> None:
    """Add what this run fetched to its numbers."""
    run = numbers()
    run.documents += manifest.answered
    run.sent += manifest.documents
    run.requests += manifest.requests
    run.bytes += manifest.json_bytes
