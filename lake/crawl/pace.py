"""The pace of one event loop: a token bucket says how fast it may ask a source, a budget how much."""

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lake.crawl.breaker import Breaker
from lake.errors import BudgetError
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
        self.breaker = Breaker(source.base_url)

    def reserve(self) -> float:
        """Take the next slot and return how many seconds to wait for it.

        Raises:
            BudgetError: The budget of requests is spent.
        """
        if self.requests >= self._source.requests_per_run:
            raise BudgetError(
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


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header, a number or a date, asks to wait; None if it is neither.

    A part of a second, which the standard does not know, counts as a whole one.

    >>> retry_after_seconds("1.5", datetime(2026, 8, 8, tzinfo=UTC))
    2.0
    """
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        seconds = float(text)
        return float(math.ceil(seconds)) if math.isfinite(seconds) else seconds
    until = date_of(text)
    return None if until is None else max(0.0, (until - now).total_seconds())


def date_of(text: str | None) -> datetime | None:
    """Return the time in a header that is a date; None if it is none."""
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)
