"""The politeness of a crawl, shared out over the tasks that its workers do at the same time.

Each task at work has one share of the connections, of the requests a second and of what is left of the budget, wherever
it works; there are never more tasks at work than shares, so the sum is never more than the source's settings allow.
"""

import threading
from dataclasses import dataclass

from flows.steps.told import Teller
from lake.crawl import Source
from lake.errors import BudgetError, SourceError


@dataclass(frozen=True, slots=True)
class Share:
    """What one task may ask of the source; `told` is the folder where it is told more while it works."""

    connections: int
    requests_per_second: float
    requests: int
    told: str


class Shares:
    """The shares of one crawl, given to a task when it begins and taken back when it ends.

    For whoever watches over a crawl it stands for the fetchers of all workers: it can be told to stop, or another pace.
    `documents` are counted as tasks end.
    """

    documents = 0

    def __init__(self, source: Source, workers: int, teller: Teller, folder: str) -> None:
        source = source.bounded()
        self._source, self._teller, self._folder = source, teller, folder
        self.count = max(1, min(workers, source.shards_at_once))
        self._rate = source.requests_per_second
        self._budget = source.requests_per_run
        self._given = dict[int, int]()
        self._changing = threading.Lock()
        self._ended: str | None = None

    def give(self, place: int) -> Share:
        """Return the share of the task at a place.

        Raises:
            BudgetError: Nothing is left of the budget.
        """
        with self._changing:
            free = self.count - len(self._given)
            left = (self._budget - sum(self._given.values())) // free
            if left < 1:
                raise BudgetError(
                    f"{self._source.base_url}: the budget of {self._source.requests_per_run:,} requests a run is spent,"
                    f" or shared out to {len(self._given)} tasks; run again to go on from here, or raise it"
                )
            self._given[place] = left
            return Share(self._source.connections // self.count, self._rate / self.count, left, self._folder)

    def take_back(self, place: int, requests: int) -> None:
        """Take back the share of a task that has made so many requests."""
        with self._changing:
            del self._given[place]
            self._budget -= requests

    def set_rate(self, requests_per_second: float) -> None:
        """Change how many requests a second all tasks together make from now on."""
        self._rate = requests_per_second
        self._teller.tell(requests_per_second / self.count)

    def stop(self) -> None:
        """End the tasks under way with what has come."""
        self._teller.tell(None)

    def close(self, why: str = "the crawl was ended") -> None:
        """End the tasks under way, and whoever waits for them."""
        if self._ended is None:
            self._ended = f"{self._source.base_url}: {why}"
            self.stop()

    def require_open(self) -> None:
        """Raise `SourceError` if this was closed."""
        if self._ended is not None:
            raise SourceError(self._ended)
