"""Prefect's global concurrency limit as a pace: its slots are requests, and come back with time, so none can leak."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import copy_context
from typing import Any, Self

from httpx import HTTPError, HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_logger
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from lake.errors import LakeError, UnknownNameError

# A batch is what a pace allows in this time. To take one costs two calls of the API, 0.2 s together.
BATCH_SECONDS = 2

# A limit has this many batches, so that what comes back while a batch is asked for is not lost.
BATCHES = 2

# How long a crawl waits for a Prefect API that does not answer: longer than an outage of ten minutes.
PATIENCE_SECONDS = 15 * 60

# The API is asked again after this long, and a wait looks as often whether its crawl was ended.
CHECK_SECONDS = 2

# An answer of the API comes within this time, or is given up.
ANSWER_SECONDS = 10

# These answers are as final as the refusal of a key; others may be different the next time.
_FINAL_STATUS = {401, 403, 404, 405, 422}
_LOCKED = 423


def limit_values(requests_per_second: float) -> dict[str, Any]:
    """Return the values of the limit that paces a source: the slots of a few batches, which come back at its pace.

    A source without a pace has a limit that is switched off.

    >>> limit_values(10)
    {'limit': 40, 'active': True, 'slot_decay_per_second': 10.0}
    """
    batch = max(1, round(requests_per_second * BATCH_SECONDS))
    decay = float(requests_per_second or 1)
    return {"limit": BATCHES * batch, "active": requests_per_second > 0, "slot_decay_per_second": decay}


def save_limit(name: str, requests_per_second: float) -> str:
    """Create or change the limit of a source's pace; return which: created, changed or left.

    A limit whose slots do not come back with time, as earlier versions saved it, loses those that are taken.
    """
    wanted = limit_values(requests_per_second)
    with get_client(sync_client=True) as client:
        try:
            saved = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, **wanted))
            return "created"
        if all(getattr(saved, key) == value for key, value in wanted.items()):
            return "left"
        freed = {} if saved.slot_decay_per_second else {"active_slots": 0}
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(**wanted, **freed))
        return "changed"


def require_limit(name: str) -> None:
    """Raise `LakeError` unless a global concurrency limit of this name was created, whose slots come back with time."""
    with get_client(sync_client=True) as client:
        _read(client, name)


def _read(client: SyncPrefectClient, name: str) -> GlobalConcurrencyLimitResponse:
    try:
        found = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound as error:
        raise UnknownNameError("global concurrency limit", name, advice="run `pokelake setup`") from error
    if not found.slot_decay_per_second:
        raise LakeError(
            f"global concurrency limit {name!r}: expected slots that come back with time, found those of an earlier"
            " version, which a dead run keeps for ever; run `pokelake setup`, which replaces it"
        )
    return found


class Allowance:
    """The requests that one process may make, taken from a global limit in batches; an empty name is no limit.

    A ``with`` block opens and closes its client. It holds how many requests were made beyond those allowed, to be paid
    with the next batch. `require_open` raises when no more are wanted; that ends every wait. `is_in_force` tells
    whether the limit held when it was last asked: that of a source without a pace is switched off.
    """

    def __init__(self, limit: str, require_open: Callable[[], None]) -> None:
        self._limit = limit
        self._require_open = require_open
        self._turn, self._debts = threading.Lock(), threading.Lock()
        self._owed = 0
        self.is_in_force = False
        self._silent_since: float | None = None
        self._is_told = False
        self._parts = ExitStack()
        # Not the client of the flow, which waits for an answer for up to seven minutes.
        self._client = get_client({"timeout": ANSWER_SECONDS}, sync_client=True) if limit else None
        # In this context it asks once, because its own retries cannot be ended.
        self._once = copy_context()

    def __enter__(self) -> Self:
        if self._client is not None:
            self._once.run(self._parts.enter_context, temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
            self._parts.enter_context(self._client)
        return self

    def __exit__(self, *ended: object) -> None:
        self._once.run(self._parts.close)

    def take(self, wanted: int) -> int:
        """Wait until some of the wanted requests are allowed, at least one; return how many.

        Raises:
            LakeError: The Prefect API refuses, or has not answered for `PATIENCE_SECONDS`.
        """
        if self._client is None:
            return wanted
        # One thread asks for all, because a refusal makes every other wait longer.
        while not self._turn.acquire(timeout=CHECK_SECONDS):
            self._require_open()
        try:
            while True:
                self._require_open()
                granted, seconds = self._once.run(self._ask, self._client, wanted)
                if granted:
                    return granted
                self._wait(seconds)
        finally:
            self._turn.release()

    def owe(self, requests: int) -> None:
        """Note requests that were made beyond those allowed, such as retries, or fewer; the next batch settles it."""
        with self._debts:
            self._owed += requests

    def _ask(self, client: SyncPrefectClient, wanted: int) -> tuple[int, float]:
        """Ask for a batch once; return how many requests were granted, or 0 and the seconds until it is worth a try."""
        try:
            found = _read(client, self._limit)
            self.is_in_force = found.active
            if not found.active:
                granted, seconds = wanted, 0.0
            else:
                granted, seconds = self._charge(client, found, wanted)
        except HTTPError as error:
            self._note_silence(error)
            return 0, CHECK_SECONDS
        if self._is_told:
            get_logger("pokelake").warning("the Prefect API answers again; the crawl goes on")
        self._silent_since, self._is_told = None, False
        return granted, seconds

    def _charge(
        self, client: SyncPrefectClient, found: GlobalConcurrencyLimitResponse, wanted: int
    ) -> tuple[int, float]:
        granted = min(wanted, max(1, found.limit // BATCHES))
        slots = min(max(0, granted + self._owed), found.limit)
        # Not simply tried: a refused try starts the time anew in which the slots come back.
        if (lacking := found.active_slots + slots - found.limit) > 0:
            return 0, lacking / found.slot_decay_per_second
        try:
            if slots:
                client.increment_concurrency_slots([self._limit], slots, "rate_limit")
        except HTTPStatusError as error:
            if error.response.status_code != _LOCKED:
                raise
            return 0, slots / found.slot_decay_per_second
        self.owe(granted - slots)
        return granted, 0

    def _note_silence(self, error: HTTPError) -> None:
        """Note that the API did not answer; raise if that is final, or has lasted too long."""
        now = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        # A server on SQLite refuses a write now and then, and takes it two seconds later.
        if not self._is_told and now - self._silent_since >= ANSWER_SECONDS:
            self._is_told = True
            get_logger("pokelake").warning(
                "the Prefect API does not answer (%s); the crawl waits for it, for %d minutes at most",
                _reason(error),
                PATIENCE_SECONDS // 60,
            )
        is_final = isinstance(error, HTTPStatusError) and error.response.status_code in _FINAL_STATUS
        if is_final or now - self._silent_since >= PATIENCE_SECONDS:
            how = "refuses to pace the crawl" if is_final else f"has not answered for {PATIENCE_SECONDS // 60} minutes"
            raise LakeError(
                f"the Prefect API {how} ({_reason(error)}), and without it nothing keeps all runs together at the"
                " source's pace; the shards that were done are kept; look at the API with `pokelake doctor`, and run"
                " again to go on from here",
                may_pass=not is_final,
            ) from error

    def _wait(self, seconds: float) -> None:
        while seconds > 0:
            time.sleep(min(seconds, CHECK_SECONDS))
            seconds -= CHECK_SECONDS
            self._require_open()


def _reason(error: HTTPError) -> str:
    """Return why there was no answer, without the API's address, which may hold a password."""
    return f"status {error.response.status_code}" if isinstance(error, HTTPStatusError) else type(error).__name__
