"""Heartbeats of a run that end when it ends: Prefect's own sleep for a second at a time, and the run waits for that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from prefect import flow_engine

# A heartbeat that is being sent when the run ends is waited for as long as Prefect waits for it.
STOP_SECONDS = 2


@contextmanager
def heartbeats(engine: Any, join_on_exit: bool = True) -> Iterator[None]:
    """Send the heartbeats of an engine's run while the block runs, as often as Prefect's settings say.

    It stands in the place of Prefect's own and is called as that is: of a run of half a second, that one made a second.
    """
    if (seconds := engine.heartbeat_seconds) is None:
        yield
        return
    ended, template = threading.Event(), engine._build_heartbeat_event_template()

    def beat() -> None:
        while not ended.is_set():
            try:
                engine._emit_flow_run_heartbeat(*template)
            except Exception:
                engine.logger.debug("a heartbeat could not be sent", exc_info=True)
            ended.wait(seconds)

    # The thread finds Prefect's API by the settings of the run.
    thread = threading.Thread(target=copy_context().run, args=(beat,), name="heartbeats", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        if join_on_exit:
            thread.join(STOP_SECONDS)


def end_with_their_run() -> None:
    """Let Prefect send the heartbeats of every flow run of this process by `heartbeats`."""
    flow_engine._send_heartbeats = heartbeats
