"""An HTTP proxy before one server: it sees every request of every client, and can come between them."""

import asyncio
import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from tests.chaos.wire import deleted_keys, headers_of, read_body, reset, spoilt, without
from tests.waiting import until

_STAMP = re.compile(rb"(?<=<LastModified>)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")
_STAMP_FORMAT = "%Y-%m-%dT%H:%M:%S"

# What stands in for a server that refuses.
_ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>chaos</Message></Error>"
_REFUSALS = {
    "500": (b"500 Internal Server Error", b"InternalError"),
    "503": (b"503 Slow Down", b"SlowDown"),
    "401": (b"401 Unauthorized", b"Unauthorized"),
}
_OWN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
KINDS = (*_REFUSALS, "drop", "lost", "reset", "cut", "flip", "slow")

SLOW_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the proxy saw it; the status is 0 where it was not passed on, or not answered."""

    number: int
    method: str
    target: str
    body: str
    status: int = 0
    deletes: tuple[str, ...] = ()


# Asked before a request is passed on, and after it was answered; returns a kind of fault, or None to pass it on.
Meddler = Callable[[Seen, str], str | None]


def no_fault(seen: Seen, moment: str) -> None:
    """Let everything pass."""


def weather(kind: str, share: float, seed: int = 0) -> Meddler:
    """Have a share of the requests meet a fault, chosen by their number, so that a retry may pass."""

    def meddle(seen: Seen, moment: str) -> str | None:
        is_met = zlib.crc32(f"{kind} {seed} {seen.number}".encode()) / 2**32 < share
        return kind if moment == "before" and is_met else None

    return meddle


class Proxy:
    """A proxy in a thread of this process; `log` holds every request that it was sent, in order."""

    def __init__(self, upstream: str) -> None:
        self.turn_to(upstream)
        self.meddle: Meddler = no_fault
        # Bodies of JSON that are answered in the place of the server's, by path without a slash at its end.
        self.answers: dict[str, bytes] = {}
        self.log: list[Seen] = []
        self.in_flight = 0
        self._aged: tuple[datetime, timedelta] | None = None
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def age(self, by: timedelta) -> None:
        """From now on, listings of S3 say that everything in it was written that much earlier."""
        self._aged = datetime.now(UTC), by

    def reset(self) -> None:
        """Forget what was seen, and meddle no longer."""
        self.meddle = no_fault
        self.settle()
        self.log, self._count, self._aged, self.answers = [], 0, None, {}

    def turn_to(self, upstream: str) -> None:
        """Stand before another server."""
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname or "", parts.port or 80

    def settle(self) -> None:
        """Wait until nothing is in flight."""
        until(lambda: self.in_flight == 0, every=0.01, seconds=30)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it goes."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # Cancelled at the end; asyncio would print it.
            with suppress(OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Pass on one request and its answer; return whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        method, target, _ = first.decode("latin-1").split(" ", 2)
        headers = headers_of(rest)
        if "upgrade" in headers:
            await self._tunnel(head, reader, writer)
            return False
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await read_body(reader, headers)
        self.in_flight += 1
        try:
            return await self._answer(first, rest, method, target, body, headers, writer)
        finally:
            self.in_flight -= 1

    async def _answer(
        self,
        first: bytes,
        rest: bytes,
        method: str,
        target: str,
        body: bytes,
        headers: dict[str, str],
        writer: asyncio.StreamWriter,
    ) -> bool:
        self._count += 1
        copied = headers.get("x-amz-copy-source")
        content = f"that of {copied}" if copied else sha256(body).hexdigest()
        seen = Seen(self._count, method, target, content, deletes=deleted_keys(method, target, body))
        # Held by its number, because its answer may come after those of later ones.
        self.log.append(seen)
        fault = self.meddle(seen, "before")
        if fault in _REFUSALS:
            status, code = _REFUSALS[fault]
            said = b"" if method == "HEAD" else _ERROR % code
            length = b"content-length: %d\r\n" % len(said)
            writer.write(b"HTTP/1.1 %s\r\n%s\r\n%s" % (status, length, said))
            await writer.drain()
            return True
        if fault in ("drop", "killed"):
            return False
        if (own := self.answers.get(urlsplit(target).path.rstrip("/"))) is not None:
            writer.write(_OWN % len(own) + own)
            await writer.drain()
            return True
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        answer = await self._ask(first, rest, body)
        answered = replace(seen, status=int(answer.split(b" ", 2)[1]))
        self.log[self.log.index(seen)] = answered
        if self.meddle(answered, "after") == "killed" or fault == "lost":
            return False
        kept, said = spoilt(fault, method, self._with_age(answer), seen.number)
        writer.write(said)
        await writer.drain()
        if fault == "reset":
            reset(writer)
        return kept

    async def _ask(self, first: bytes, rest: bytes, body: bytes) -> bytes:
        upstream, to_upstream = await asyncio.open_connection(self._host, self._port)
        try:
            to_upstream.write(first + b"\r\n" + without(rest, b"connection", b"expect", b"transfer-encoding"))
            length = b"" if b"content-length:" in rest.lower() else b"content-length: %d\r\n" % len(body)
            to_upstream.write(length + b"connection: close\r\n\r\n" + body)
            await to_upstream.drain()
            return await upstream.read()
        finally:
            to_upstream.close()

    async def _tunnel(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a client and the server talk freely, as a WebSocket does."""
        upstream, to_upstream = await asyncio.open_connection(self._host, self._port)
        to_upstream.write(head)

        async def pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while piece := await source.read(1 << 16):
                    target.write(piece)
                    await target.drain()
            target.close()

        await asyncio.gather(pipe(reader, to_upstream), pipe(upstream, writer))

    def _with_age(self, answer: bytes) -> bytes:
        if self._aged is None:
            return answer
        mark, by = self._aged

        def older(found: re.Match[bytes]) -> bytes:
            at = datetime.strptime(found[1].decode(), _STAMP_FORMAT).replace(tzinfo=UTC)
            return f"{at - by if at <= mark else at:{_STAMP_FORMAT}}".encode()

        return _STAMP.sub(older, answer)


@contextmanager
def proxy(upstream: str) -> Iterator[tuple[Proxy, str]]:
    """Run a proxy while the block runs, and yield it with its address."""
    made, loop, listening = Proxy(upstream), asyncio.new_event_loop(), socket.create_server(("127.0.0.1", 0))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(made.serve, sock=listening, limit=1 << 20)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        for task in list(made._tasks):
            task.cancel()
        await asyncio.gather(*made._tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield made, f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
