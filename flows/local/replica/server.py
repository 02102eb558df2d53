"""Running a replica: until it is told to stop, or in a thread of a test."""

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flows.local.replica.app import Replica
from flows.local.replica.corpus import Corpus, open_corpus
from flows.local.replica.faults import FaultError

# httpx keeps an idle connection for 5 seconds; if the server closed it at the same time, requests would fail.
KEEP_ALIVE_SECONDS = 75

START_SECONDS = 10


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol; it hands the connection to the application, which must be able to cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"replica": {"transport": self.transport}}


class _Server(uvicorn.Server):
    """uvicorn's server; it tells when it is ready."""

    def __init__(self, replica: Replica, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                replica,
                http=_Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                proxy_headers=False,
                server_header=False,
                log_config=None,
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


class Running:
    """A replica that runs in a thread of this process, with the control that its HTTP interface offers."""

    def __init__(self, replica: Replica, host: str, port: int) -> None:
        self._replica = replica
        self._host = host
        self._port = port

    @property
    def url(self) -> str:
        """The base URL of the API, with a slash at its end."""
        return _url(self._host, self._port)

    def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Put these rules in the place of those in force; an empty list ends all faults.

        Raises:
            FaultError: A rule is malformed; those in force stay.
        """
        self._control("PUT", "/replica/faults", list(rules))

    def counters(self) -> dict[str, Any]:
        """Return all counts; see ``Counters``."""
        counters: dict[str, Any] = self._control("GET", "/replica/counters")
        return counters

    def reset(self) -> None:
        """Reset the counters; faults stay."""
        self._control("DELETE", "/replica/counters")

    def switch(self, corpus: Corpus | Path | str) -> None:
        """Serve another corpus; rendering starts anew, faults and counters stay."""
        self._replica.switch(corpus if isinstance(corpus, Corpus) else open_corpus(corpus))

    def _control(self, method: str, path: str, body: object = None) -> Any:
        connection = HTTPConnection(self._host, self._port, timeout=START_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise FaultError(content.decode().strip())
        return json.loads(content) if content else None


@contextmanager
def replica(corpus: Corpus | Path | str, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Serve a corpus from a thread while the block runs; port 0 takes a free one."""
    served = Replica(corpus if isinstance(corpus, Corpus) else open_corpus(corpus))
    started = threading.Event()
    server = _Server(served, started.set)
    with _listen(host, port) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), name="replica", daemon=True)
        thread.start()
        try:
            if not started.wait(START_SECONDS):
                raise TimeoutError(f"expected the replica to start within {START_SECONDS} seconds, found it silent")
            yield Running(served, *listening.getsockname()[:2])
        finally:
            server.should_exit = True
            thread.join()


def serve(corpus: Corpus, host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve a corpus until SIGTERM or SIGINT, and print one line when it is ready; port 0 takes a free one."""
    with _listen(host, port) as listening:
        address, bound = listening.getsockname()[:2]
        line = f"PokeAPI replica of {corpus.source} ({len(corpus)} documents) at {_url(address, bound)}"
        server = _Server(Replica(corpus), lambda: print(line, flush=True))
        # uvicorn raises the signal that stopped it once more; stopping is what was asked for, no failure.
        handlers = {stop: signal.signal(stop, signal.SIG_IGN) for stop in (signal.SIGINT, signal.SIGTERM)}
        try:
            server.run([listening])
        finally:
            for stop, handler in handlers.items():
                signal.signal(stop, handler)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/api/v2/" if ":" in host else f"http://{host}:{port}/api/v2/"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
