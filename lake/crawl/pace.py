"""The pace of one event loop: a token bucket says how fast it may ask a source, a budget how much."""

import time

from lake.errors import SourceError
from lake.source import Source


class Pace:
    """The allowance of all clients of one event loop: spreads their requests evenly over time and counts them.

    A pace holds the time of the next free slot.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._interval = 1 / source.requests_per_second if source.requests_per_second > 0 else 0.0
        self._next = 0.0
        self.requests = 0

    def reserve(self) -> float:
        """Take the next slot and return how many seconds to wait for it.

        Raises:
            SourceError: The budget of requests is spent.
        """
        if self.requests >= self._source.requests_per_run:
            raise SourceError(
                f"{self._source.base_url}: the budget of {self._source.requests_per_run:,} requests a run is spent;"
                " run again to go on from here, or raise requests_per_run in the source block, or in the Prefect"
                " Variable pokelake_requests_per_run, which replaces the block's if it is set"
            )
        self.requests += 1
        now = time.monotonic()
        slot = max(now, self._next)
        self._next = slot + self._interval
        return slot - now

    def pause(self, seconds: float) -> None:
        """Give out no slot before this many seconds have passed, because a 429 concerns the whole source."""
        self._next = max(self._next, time.monotonic() + seconds)
