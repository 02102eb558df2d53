"""How fast and how much a process may ask of a source: a token bucket and a budget, shared by its threads."""

import threading
import time

from lake.crawl.source import Source
from lake.errors import SourceError


class Pace:
    """A process's allowance for one source: spreads requests evenly over time and counts them.

    Holds the time of the next free slot, under a lock.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._interval = 1 / source.requests_per_second if source.requests_per_second > 0 else 0.0
        self._next = 0.0
        self._lock = threading.Lock()
        self.requests = 0

    def reserve(self) -> float:
        """Take the next slot and return how many seconds to wait for it.

        Raises:
            SourceError: The run's budget of requests is spent.
        """
        with self._lock:
            if self.requests >= self._source.requests_per_run:
                raise SourceError(
                    f"{self._source.base_url}: the budget of {self._source.requests_per_run:,} requests a run is spent;"
                    " run again to go on from here, or raise requests_per_run"
                )
            self.requests += 1
            now = time.monotonic()
            slot = max(now, self._next)
            self._next = slot + self._interval
            return slot - now

    def pause(self, seconds: float) -> None:
        """Give out no slot before this long has passed: a source that asks for patience means all of its documents."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
