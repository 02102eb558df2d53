"""Both wires, against a server that answers with any bytes: what they send, and what they make of what comes."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from lake.crawl.direct import Direct
from lake.crawl.proxied import Proxied
from lake.crawl.wire import AddressError, Wire, WireError, open_wire
from lake.source import Source
from tests.lake.crawl import PATIENCE_SECONDS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
KINDS: list[type[Direct] | type[Proxied]] = [Direct, Proxied]

both = pytest.mark.parametrize("kind", KINDS)


class Server:
    """Answers each request with the same bytes; it notes what came, and on which of its connections.

    After the first answer on a connection it cuts it, if `cuts` says so, when the next request has come.
    """

    def __init__(self, answer: bytes, cuts: bool = False) -> None:
        self.heads: list[str] = []
        self.connections = 0
        self._answer, self._cuts = answer, cuts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answered = 0
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
                if self._cuts and answered:
                    break
                writer.write(self._answer)
                answered += 1
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]


def talk(server: Server, kind: type[Direct] | type[Proxied], ask: Callable[[Wire, str], Awaitable[None]]) -> None:
    """Let a client talk to a server over a wire of one connection."""

    async def both_sides() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        wire = kind(Source(base, timeout_seconds=PATIENCE_SECONDS), 1)
        try:
            await ask(wire, base)
        finally:
            await wire.close()
            listening.close()

    asyncio.run(asyncio.wait_for(both_sides(), PATIENCE_SECONDS))


async def read(wire: Wire, url: str, **headers: str) -> tuple[int, str | None, bytes]:
    """Return the status, the ETag and the body of an answer."""
    async with wire.send(url, headers) as answer:
        body = b"".join([piece async for piece in answer.pieces()])
        return answer.status, answer.header("etag"), body


@both
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", None),
        (b'ETag: W/"a"\r\n', 'W/"a"'),
        (b'ETag: "a"\r\nETag: "b"\r\n', '"a", "b"'),
        (b'ETag: "\xc3\xa9"\r\n', '"é"'),
        (b'ETag: "\xe9"\r\n', '"é"'),
        (b"ETag: " + b"a" * 20_000 + b"\r\n", "a" * 20_000),
    ],
)
def test_a_header_is_read_whatever_its_bytes_are(kind: type[Direct] | type[Proxied], sent: bytes, expected: str | None):
    async def ask(wire: Wire, base: str) -> None:
        assert await read(wire, base) == (200, expected, b"[]")

    talk(Server(OK + sent + b"\r\n[]"), kind, ask)


@both
def test_a_request_says_what_it_was_told_to_and_keeps_its_connection(kind: type[Direct] | type[Proxied]):
    server = Server(OK + b"Set-Cookie: a=b\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b")

    async def ask(wire: Wire, base: str) -> None:
        for _ in range(3):
            # Nothing is decoded.
            headers = {"User-Agent": "Pokélake", "If-None-Match": '"é"', "Accept-Encoding": "gzip"}
            assert await read(wire, base, **headers) == (200, None, b"\x1f\x8b")

    talk(server, kind, ask)
    assert (len(server.heads), server.connections) == (3, 1)
    for head in server.heads:
        lines = head.encode("latin-1").decode().lower().split("\r\n")
        assert {"user-agent: pokélake", 'if-none-match: "é"', "accept-encoding: gzip"} <= {*lines}
        assert not [line for line in lines if line.startswith("cookie")]


@pytest.mark.parametrize(
    "path",
    ["", "a/25/", "a//b", "a%2Fb/", "a%7eb", "a b", "é/", "%zz", "a?b=c+d%2B&e=", "a/../b/./c", "a?x='[]|", "~a.b-c_d"],
)
def test_both_ask_for_an_address_as_it_is_spelled(path: str):
    asked = []
    for kind in KINDS:
        server = Server(OK + b"\r\n[]")

        async def ask(wire: Wire, base: str) -> None:
            await read(wire, f"{base}{path}")

        talk(server, kind, ask)
        asked.append(server.targets)
    assert asked[0] == asked[1]
    assert len(asked[0]) == 1


@both
@pytest.mark.parametrize("url", ["http://xn--a/", "http://[::1/", "http://\u2024/"])
def test_a_text_that_is_no_address_is_told_from_a_fault(kind: type[Direct] | type[Proxied], url: str):
    async def ask(wire: Wire, base: str) -> None:
        with pytest.raises(AddressError):
            await read(wire, url)

    talk(Server(b""), kind, ask)


@both
def test_a_request_is_sent_once_also_where_an_old_connection_is_cut(kind: type[Direct] | type[Proxied]):
    """A second one would be neither counted nor paced."""
    server = Server(OK + b"\r\n[]", cuts=True)

    async def ask(wire: Wire, base: str) -> None:
        await read(wire, base)
        with pytest.raises(WireError, match=r"^(ReadError|RemoteProtocolError)"):
            await read(wire, base)
        assert (await read(wire, base))[0] == 200

    talk(server, kind, ask)
    assert (len(server.heads), server.connections) == (3, 2)


@both
@pytest.mark.parametrize("answer", [b"\x16\x03\x01", b"HTTP/1.1 abc", b"HTTP/1.1 200 OK\r\nContent-Length: x"])
def test_what_is_no_http_is_a_fault_with_a_name(kind: type[Direct] | type[Proxied], answer: bytes):
    async def ask(wire: Wire, base: str) -> None:
        with pytest.raises(WireError, match=r"^RemoteProtocolError: "):
            await read(wire, base)

    talk(Server(answer + b"\r\n\r\n"), kind, ask)


@contextmanager
def opened(source: Source, transport: httpx.AsyncBaseTransport | None = None) -> Iterator[Wire]:
    async def open_and_close() -> Wire:
        wire = open_wire(source, 1, transport)
        await wire.close()
        return wire

    yield asyncio.run(open_and_close())


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_where_a_proxy_is_named_the_wire_that_knows_all_of_them_is_used(name: str, monkeypatch: pytest.MonkeyPatch):
    for other in ("http", "https", "all"):
        for spelling in (f"{other}_proxy", f"{other}_proxy".upper()):
            monkeypatch.delenv(spelling, raising=False)
    with opened(Source("http://127.0.0.1:9/")) as wire:
        assert isinstance(wire, Direct)
    with opened(Source("http://127.0.0.1:9/"), httpx.MockTransport(lambda _: httpx.Response(200))) as wire:
        assert isinstance(wire, Proxied)
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    with opened(Source("http://127.0.0.1:9/")) as wire:
        assert isinstance(wire, Proxied)


def test_a_host_that_is_not_there_is_named_without_the_inside_of_this_process():
    async def ask(wire: Wire, base: str) -> None:
        for url in ("http://127.0.0.1:9/", "https://127.0.0.1:9/"):
            with pytest.raises(WireError) as caught:
                await read(wire, url)
            assert re.match(r"ConnectError: \[Errno \d+\] ", str(caught.value))
            assert "object at" not in str(caught.value)

    talk(Server(b""), Direct, ask)
