"""One request and its answer, down to the connection."""

import asyncio
import socket
import struct
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from flows.local.replica.answers import Answer, Headers

# What the counters report where no status was sent: the client, or a fault, ended the connection first.
NO_ANSWER = 499

# Errors are kept five times as long as documents by PokeAPI's caches.
ERROR_CACHING = (b"cache-control", b"public, max-age=432000, s-maxage=432000")


class Exchange:
    """A request and its answer, of which it keeps the status and the bytes of body for the counters."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"].removeprefix("/api/v2").removeprefix("/").lower()
        self.asked = self.path.removesuffix("/")
        self.query: bytes = scope["query_string"]
        self.transport: asyncio.Transport = scope["extensions"]["replica"]["transport"]
        self.host = b"%s:%d" % (scope["server"][0].encode(), scope["server"][1])
        self.accept_encoding = self.if_none_match = self.user_agent = b""
        for name, value in scope["headers"]:
            if name == b"host":
                self.host = value
            elif name == b"accept-encoding":
                self.accept_encoding = value
            elif name == b"if-none-match":
                self.if_none_match = value
            elif name == b"user-agent":
                self.user_agent = value
        self.base: bytes = scope["scheme"].encode() + b"://" + self.host
        self.status = NO_ANSWER
        self.sent = 0
        self._receive = receive
        self._send = send

    def accepts_gzip(self) -> bool:
        """Tell whether Accept-Encoding names gzip, or everything, and does not refuse it by q=0."""
        if self.accept_encoding.startswith(b"gzip,"):
            return True
        for coding in self.accept_encoding.lower().split(b","):
            name, _, quality = coding.replace(b" ", b"").partition(b";")
            if name in (b"gzip", b"*") and quality not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"):
                return True
        return False

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status line and the headers; without Content-Length the body will be chunked."""
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, body: bytes, more: bool = False) -> None:
        """Send a piece of the body, the last one unless there is more."""
        if self.method != "HEAD":
            self.sent += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; a status that allows no body has none."""
        body = b"" if status in (204, 304) else body
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.send(body)

    async def reply_error(self, status: int, headers: Headers | None = None) -> None:
        """Answer as Express words an error: "Not Found" and the like, as text."""
        plain = (b"content-type", b"text/plain; charset=utf-8")
        await self.reply(status, [plain, ERROR_CACHING, *(headers or [])], _phrase(status).encode())

    async def reply_answer(self, answer: Answer) -> None:
        """Send an answer as the client asked for it: unchanged, gzipped or plain."""
        if self.if_none_match and answer.is_known_to(self.if_none_match):
            await self.start(304, answer.unchanged_headers)
            await self.send(b"")
        elif self.accepts_gzip():
            await self.start(200, answer.gzip_headers)
            await self.send(answer.kept)
        else:
            await self.start(200, answer.plain_headers)
            await self.send(answer.body() if self.method == "GET" else b"")

    async def reply_until_close(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a body that only the end of the connection ends; ASGI knows no such body."""
        self.status = status
        lines = [b"%s: %s\r\n" % header for header in [*headers, (b"connection", b"close")]]
        self.transport.write(b"HTTP/1.1 %d %s\r\n%s\r\n" % (status, _phrase(status).encode(), b"".join(lines)))
        if self.method != "HEAD":
            self.sent += len(body)
            self.transport.write(body)
        await self.close()

    async def wait(self, seconds: float) -> bool:
        """Wait, but no longer than the client does; tell whether it is still there."""
        try:
            async with asyncio.timeout(seconds):
                await self._disconnected()
        except TimeoutError:
            return True
        return False

    async def close(self) -> None:
        """Close the connection in the middle of an answer, after what was sent has left."""
        self.transport.close()
        await self._disconnected()

    async def reset(self) -> None:
        """Reset the connection, after what was sent has left."""
        # Even an empty buffer may hold what the event loop writes only at the end of its turn.
        await asyncio.sleep(0.01)
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            await asyncio.sleep(0.01)
        # Closing a socket that lingers for zero seconds sends RST instead of FIN.
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()
        await self._disconnected()

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return str(status)
