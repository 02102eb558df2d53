"""Serves an application on loopback, from a thread of this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from tests.waiting import until


@contextmanager
def serving(application: Starlette) -> Iterator[str]:
    """Serve an application while the block runs, and yield its address, which ends without a slash."""
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), name="source", daemon=True)
        thread.start()
        try:
            until(lambda: server.started, every=0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
