"""The longest that a crawl may take, by its listings and its pace; past it the crawl ends, and the next run goes on."""

import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Self

from prefect import runtime

from blocks.limit import PATIENCE_SECONDS
from flows.steps.shares import Shares
from lake.bucket import command_on
from lake.crawl import Fetcher, Source
from lake.crawl.listings import longest_listings
from lake.crawl.pace import WAITS_IN_ALL
from lake.text import counted

# A document may be asked for twice, and two runs may share one limit.
TIMES = 2

# A crawl without a pace of its own is as fast as its source, for which nobody knows a number: it gets the time of
# PokeAPI's.
ASSUMED_PER_SECOND = 10

# Beside the waiting that the source asks for and an outage of Prefect: slow answers, and the last shards' staging.
SPARE_SECONDS = 15 * 60

# All of PokeAPI is built and written in two minutes.
BUILD_SECONDS = 60 * 60

DAY_SECONDS = 24 * 60 * 60

POKEAPI_DOCUMENTS = 15_463

# The pace may change meanwhile, so the time that is left is reckoned anew this often.
CHECK_SECONDS = 5.0


def longest(source: Source, documents: int, requests_per_second: float) -> float:
    """Return the most seconds that a crawl of so many documents may take at a pace; 0 is a crawl without one.

    >>> round(longest(Source(), 15_463, 10) / 60)
    142
    """
    asking = TIMES * documents / (requests_per_second or ASSUMED_PER_SECOND)
    return asking + WAITS_IN_ALL * source.max_retry_after_seconds + PATIENCE_SECONDS + SPARE_SECONDS


def resumable(source: Source, documents: int) -> timedelta:
    """Return for how long a killed crawl of so many documents can be taken up: whole days, as many as it may take.

    Older documents are fetched anew.

    >>> resumable(Source(), 15_463).days, resumable(Source(), 1_546_300).days
    (1, 4)
    """
    return timedelta(days=math.ceil(longest(source, documents, source.requests_per_second) / DAY_SECONDS))


def kept(source: Source, documents: int) -> str:
    """Say for how long what a crawl has fetched is kept.

    >>> kept(Source(), 15_463)
    'kept for a day'
    """
    days = resumable(source, documents).days
    return f"kept for {'a day' if days == 1 else f'{days} days'}"


def longest_run(source: Source) -> float:
    """Return the most seconds that a crawl of all of PokeAPI may take with its listings and its publication."""
    crawl = longest(source, POKEAPI_DOCUMENTS, source.requests_per_second)
    return longest_listings(source) + crawl + BUILD_SECONDS


class Deadline:
    """Ends a crawl that takes too long while a ``with`` block runs, by closing its fetcher; in a thread of its own.

    `pace` tells how many requests a second the crawl makes now. The slowest pace that it had counts. `lake` is the
    lake's address.
    """

    def __init__(
        self, fetcher: Fetcher | Shares, source: Source, documents: int, pace: Callable[[], float], lake: str
    ) -> None:
        self._fetcher, self._source, self._documents, self._pace, self._lake = fetcher, source, documents, pace, lake
        self._verb = runtime.flow_run.flow_name or "refresh"
        self._deployment = runtime.deployment.name or self._verb
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._ended.set()

    def _watch(self) -> None:
        began, slowest = time.monotonic(), self._pace()
        while not self._ended.wait(CHECK_SECONDS):
            slowest = min(slowest, self._pace()) if slowest else self._pace()
            seconds = longest(self._source, self._documents, slowest)
            if time.monotonic() - began > seconds:
                self._fetcher.close(self._reason(seconds))
                return

    def _reason(self, seconds: float) -> str:
        return (
            f"fetching {counted(self._documents, 'document')} took longer than {timedelta(seconds=round(seconds))},"
            f" {TIMES} times what its pace needs and all its waiting, so the crawl was ended; nothing was published,"
            f" and the batches that were done are {kept(self._source, self._documents)}. Look whether the source"
            " answers, and go on from there:"
            f" `{command_on(self._lake, self._verb)}`, or `prefect deployment run {self._verb}/{self._deployment}`"
        )
