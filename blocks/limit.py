"""Prefect's global concurrency limit: it bounds the shards at work over all runs and workers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound

from lake.errors import UnknownNameError

# A slot of the limit is free again this long after its holder was killed.
LEASE_SECONDS = 60

# A shard that waits for a slot checks this often whether its crawl was ended, because a signal reaches no thread of a
# task.
SLOT_SECONDS = 2


def save_limit(name: str, limit: int) -> str:
    """Create or change a global concurrency limit; return which: created, changed or left."""
    with get_client(sync_client=True) as client:
        try:
            saved = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit, active=True))
            return "created"
        if saved.limit == limit and saved.active:
            return "left"
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=limit, active=True))
        return "changed"


def require_limit(name: str) -> None:
    """Raise `UnknownNameError` unless a global concurrency limit of this name was created."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound as error:
            advice = f"run `pokelake setup`, or `prefect gcl create {name} --limit 2`"
            raise UnknownNameError("global concurrency limit", name, advice=advice) from error


@contextmanager
def hold_slot(limit: str, require_open: Callable[[], None]) -> Iterator[None]:
    """Hold a slot of a limit, which bounds the shards at work over all runs and workers; an empty name is no limit.

    `require_open` raises when the slot is no longer wanted; that ends the wait. Prefect's own wait cannot be
    interrupted, so a thread of its own does it, which a run that is told to end leaves behind.
    """
    if not limit:
        yield
        return
    is_held, is_done = Future[None](), threading.Event()

    def hold() -> None:
        try:
            with concurrency(limit, strict=True, lease_duration=LEASE_SECONDS):
                is_held.set_result(None)
                is_done.wait()
        # Every error is caught, because only this thread can tell the shard that waits.
        except BaseException as error:
            # A slot that cannot be given back is free again when its lease ends.
            if not is_held.done():
                is_held.set_exception(error)

    # Prefect finds its settings in the context.
    holder = threading.Thread(target=copy_context().run, args=(hold,), name="slot", daemon=True)
    holder.start()
    try:
        while not wait([is_held], SLOT_SECONDS).done:
            require_open()
        is_held.result()
        yield
    finally:
        is_done.set()
        if is_held.done():
            holder.join()
