"""The pace of one event loop: a token bucket says how fast it may ask a source, a budget how much."""

import asyncio
import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lake.crawl.breaker import Breaker
from lake.errors import BudgetError
from lake.source import LEAST_REQUESTS, REQUESTS_PER_DOCUMENT, Source

# How long a crawl waits because the source says so, in multiples of `max_retry_after_seconds`: with no answer between,
# and in all. By default these are six minutes and one hour.
WAITS_IN_A_ROW = 3
WAITS_IN_ALL = 30

# What is more is a time, and not as many seconds from now, which were thirty years.
_SINCE_1970 = 10**9


class Pace:
    """The allowance of all clients of one event loop: spreads their requests evenly over time and counts them.

    A pace holds the time of the next free slot, and how long the source has made the crawl wait. `documents` are those
    that the source has answered about, or that failed.
    """

    def __init__(self, source: Source) -> None:
        self._source = source.bounded()
        self._interval = _interval(source.requests_per_second)
        self._next = self._paused_until = 0.0
        self._used = -math.inf
        self._changes = 0
        self._sleeping = set[asyncio.Task[None]]()
        self._waited_in_a_row = self._waited = 0.0
        self.requests = self.documents = 0
        self.breaker = Breaker(source.base_url)

    def set_rate(self, requests_per_second: float) -> None:
        """Change the pace, 0 for no limit; whoever waits for a slot takes another at once, and a pause goes on.

        At a slow pace the slots that are taken lie minutes ahead.
        """
        self._interval = _interval(requests_per_second)
        self._next = max(self._paused_until, self._used + self._interval)
        self._changes += 1
        for sleeping in self._sleeping:
            sleeping.cancel()

    def allow(self, requests: int) -> None:
        """Let so many requests be made from now on."""
        self._source, self.requests = replace(self._source, requests_per_run=requests), 0

    async def turn(self) -> None:
        """Wait for a slot of one's own; whoever waited when the source asked for a pause waits for its end as well.

        Raises:
            BudgetError: The budget of requests is spent.
        """
        self._spend()
        while True:
            changes = self._changes
            if wait := self.reserve():
                await self._sleep(wait)
            if changes == self._changes:
                self._used = time.monotonic()
                return

    async def _sleep(self, seconds: float) -> None:
        """Sleep until the slot comes, or the pace is another."""
        sleeping = asyncio.create_task(asyncio.sleep(seconds))
        self._sleeping.add(sleeping)
        try:
            await asyncio.wait({sleeping})
        finally:
            self._sleeping.discard(sleeping)
            sleeping.cancel()

    def _spend(self) -> None:
        if self.requests >= self._source.requests_per_run:
            raise BudgetError(
                f"{self._source.base_url}: the budget of {self._source.requests_per_run:,} requests a run is spent;"
                f" run again to go on from here, or raise requests_per_run in the source block (0 is"
                f" {REQUESTS_PER_DOCUMENT} for each document, at least {LEAST_REQUESTS:,}), or in the Prefect Variable"
                " pokelake_requests_per_run, which replaces the block's if it is set"
            )
        self.requests += 1

    def reserve(self) -> float:
        """Take the next slot and return how many seconds to wait for it."""
        now = time.monotonic()
        slot = max(now, self._next)
        self._next = slot + self._interval
        return slot - now

    def pause(self, seconds: float) -> bool:
        """Give out no slot before this many seconds have passed, because a 429 concerns the whole source.

        False means that the source has made the crawl wait for long enough: then it is left alone.
        """
        now = time.monotonic()
        if (longer := now + seconds - max(now, self._paused_until)) <= 0:
            return True
        limit = self._source.max_retry_after_seconds
        for waited, times, how in (
            (self._waited_in_a_row, WAITS_IN_A_ROW, " and answered nothing between"),
            (self._waited, WAITS_IN_ALL, " in all"),
        ):
            if waited + longer > times * limit:
                self.breaker.give_up(
                    f"it asked the crawl to wait for more than {times * limit:,.0f} s{how}, the last time for"
                    f" {seconds:,.0f} s"
                )
                return False
        self._waited_in_a_row += longer
        self._waited += longer
        self._changes += 1
        self._next = self._paused_until = now + seconds
        return True

    def note_answer(self) -> None:
        """Note that the source gave an answer, whatever it said."""
        self._waited_in_a_row = 0.0


def _interval(requests_per_second: float) -> float:
    """Return the seconds between two slots; 0 is no limit."""
    return 1 / requests_per_second if requests_per_second > 0 else 0.0


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


def wait_seconds(header: Callable[[str], str | None], now: datetime) -> float | None:
    """Return the seconds that the headers of a refusal ask to wait; None if they say nothing of it.

    Without ``Retry-After``, a limit of which nothing remains says when it begins anew: in so many seconds, or, as
    GitHub has it, at a time in seconds since 1970. That is a second from now at least, because whole ones are counted.

    >>> said = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1786161600"}
    >>> wait_seconds(said.get, datetime(2026, 8, 8, 3, 59, tzinfo=UTC))
    60.0
    """
    seconds = retry_after_seconds(header("Retry-After"), now)
    for prefix in ("", "X-"):
        if seconds is None and (header(f"{prefix}RateLimit-Remaining") or "").strip() == "0":
            reset = retry_after_seconds(header(f"{prefix}RateLimit-Reset"), now)
            if reset is not None:
                seconds = max(1.0, reset - now.timestamp() if reset >= _SINCE_1970 else reset)
    return seconds


def date_of(text: str | None) -> datetime | None:
    """Return the time in a header that is a date; None if it is none."""
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)
