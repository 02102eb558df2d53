"""The HTTP process of a crawl: the tasks of this process share one, and each fetches its shards through it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from blocks.limit import Allowance
from flows.steps.fetchers import FETCHERS
from flows.steps.parameters import LakeLocation
from flows.steps.shares import Share
from flows.steps.told import Listener
from lake.crawl import CUT_SHORT, Batch, Fetched, Fetcher, Shard, Source
from lake.errors import StoppedError


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl of one source into one lake; its id is the same when a killed run is started again."""

    id: str
    source: Source
    lake: LakeLocation


@dataclass(frozen=True, slots=True)
class Connections:
    """The HTTP process of a crawl, and how much it may ask; `begin` is told the resource of each shard.

    Tasks of this process find here the batches that they fetch, by name.
    """

    fetcher: Fetcher
    allowance: Allowance
    begin: Callable[[str], None]
    batches: dict[str, Batch] = field(default_factory=dict)

    def fetch(self, shard: Shard) -> Iterator[Fetched]:
        """Fetch a shard, and yield portions as large as the allowance of all runs gives; a listing comes whole.

        A portion is the smaller, the longer its documents are. When the run is told to stop, what has not come fails as
        `CUT_SHORT`; the second round of the next run asks for it.
        """
        wanted = shard.wanted
        self.begin(shard.resource)
        while wanted:
            try:
                allowed = self.allowance.take(1 if shard.is_inline else len(wanted))
            except StoppedError:
                yield Fetched(failed=[(item.reference, CUT_SHORT) for item in wanted])
                return
            portion = wanted if shard.is_inline else wanted[:allowed]
            found = self.fetcher.fetch(replace(shard, wanted=portion))
            self.allowance.owe(found.requests - allowed)
            wanted = () if shard.is_inline else wanted[found.answered :]
            yield found


# A task cannot be given a process, so it finds that of its crawl here.
_OPEN: dict[Crawl, Connections] = {}
_OPENING = threading.Lock()


@contextmanager
def shared(crawl: Crawl, connections: Connections) -> Iterator[None]:
    """Let the tasks of this process fetch over these connections while the block runs."""
    with _OPENING:
        _OPEN[crawl] = connections
    try:
        yield
    finally:
        with _OPENING:
            del _OPEN[crawl]


@contextmanager
def connected(crawl: Crawl, share: Share | None) -> Iterator[Connections]:
    """Return the connections of a crawl that this process has opened; with a share, open some for the block alone."""
    if share is None:
        with _OPENING:
            connections = _OPEN[crawl]
        yield connections
        return
    source = replace(
        crawl.source,
        connections=share.connections,
        parallel_shards=1,
        requests_per_second=share.requests_per_second,
        requests_per_run=share.requests,
    )
    with (
        FETCHERS.one(crawl.id, source) as fetcher,
        Listener(crawl.lake.open(), share.told, fetcher),
        Allowance(source.global_limit, fetcher.require_open) as allowance,
    ):
        yield Connections(fetcher, allowance, lambda resource: None)
