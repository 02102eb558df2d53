"""The few things about HTTP/1.1 that the proxy has to know: headers, bodies, and how an answer can be spoilt."""

import asyncio
import re
import socket
import zlib
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import unescape


def headers_of(rest: bytes) -> dict[str, str]:
    """Return the values of header lines, by lower-cased name."""
    pairs = (line.partition(":") for line in rest.decode("latin-1").split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def without(rest: bytes, *names: bytes) -> bytes:
    """Return header lines without some of them, and without the empty line at their end."""
    lines = [line for line in rest.split(b"\r\n") if line and line.split(b":")[0].strip().lower() not in names]
    return b"".join(line + b"\r\n" for line in lines)


def deleted_keys(method: str, target: str, body: bytes) -> tuple[str, ...]:
    """Return the buckets and keys that a request to S3 deletes.

    >>> deleted_keys("POST", "/lake?delete", b"<Delete><Object><Key>a/b</Key></Object></Delete>")
    ('/lake/a/b',)
    """
    parts = urlsplit(target)
    if method == "DELETE":
        return (unquote(parts.path),)
    if method != "POST" or "delete" not in parse_qs(parts.query, keep_blank_values=True):
        return ()
    return tuple(f"{parts.path}/{unescape(key.decode())}" for key in re.findall(rb"<Key>([^<]*)</Key>", body))


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """Read the body that follows a request's headers."""
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return body


def spoilt(fault: str | None, method: str, answer: bytes, number: int = 0) -> tuple[bool, bytes]:
    """Return whether the connection stays open, and the answer as a fault leaves it; `number` is the request's.

    The server has closed its own connection, so the client's stays open only if the answer says where it ends, and is
    whole.
    """
    head, _, body = answer.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    lines = without(rest, b"connection")
    names = headers_of(rest)
    if "chunked" in names.get("transfer-encoding", ""):
        is_whole = body.endswith(b"0\r\n\r\n")
    else:
        if method != "HEAD" and "content-length" not in names:
            lines += b"content-length: %d\r\n" % len(body)
        is_whole = method == "HEAD" or len(body) == int(names.get("content-length", len(body)))
    head = first + b"\r\n" + lines + b"\r\n"
    if fault in ("cut", "reset"):
        return False, head + body[: len(body) // 2]
    if fault == "flip" and body:
        # Anywhere, but for one request always at the same place.
        bit = zlib.crc32(b"%d" % number) % (8 * len(body))
        at = bit // 8
        body = body[:at] + bytes([body[at] ^ 1 << bit % 8]) + body[at + 1 :]
    return is_whole, head + body


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by a reset, as a host does that has lost it."""
    held = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()
