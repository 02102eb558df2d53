"""Undoes the codings of a body, piece by piece, and never past a limit: a few bytes can decompress to gigabytes."""

import zlib
from typing import Protocol

# The codings that are understood, by every name that the standard has for them; requests ask for the first alone.
GZIP, DEFLATE, IDENTITY = ("gzip", "x-gzip"), ("deflate",), ("identity", "")

# Whoever joins files by gzip joins a few; thousands of empty ones would only cost time.
MAX_MEMBERS = 1000

_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15


class CodingError(Exception):
    """A body is not coded as its header says; the message says what was found."""


class Decoder(Protocol):
    """Takes the pieces of a body, and returns them decoded."""

    def feed(self, piece: bytes, limit: int) -> bytes:
        """Return what a piece decodes to, or its beginning if that is longer than `limit`."""

    def end(self) -> None:
        """Raise `CodingError` if the body ended too early."""


def decoder_of(header: str | None) -> Decoder:
    """Return the decoder for a header ``Content-Encoding``, which may be a list.

    Raises:
        CodingError: One is unknown, or there are several, which nobody asked for.
    """
    names = [name.strip().lower() for name in (header or "").split(",")]
    codings = [name for name in names if name not in IDENTITY]
    if not codings:
        return _Plain()
    if len(codings) == 1 and codings[0] in GZIP:
        return _Zipped(_GZIP_WINDOW, "gzip")
    if len(codings) == 1 and codings[0] in DEFLATE:
        return _Zipped(_ZLIB_WINDOW, "deflate")
    raise CodingError(f"content encoding: expected gzip, found {', '.join(codings)[:80]!r}")


class _Plain:
    def feed(self, piece: bytes, limit: int) -> bytes:
        return piece

    def end(self) -> None:
        pass


class _Zipped:
    """Decodes gzip, of one member or several, and deflate; holds what zlib knows of the pieces so far."""

    def __init__(self, window: int, name: str) -> None:
        self._window, self._name = window, name
        self._zlib = zlib.decompressobj(window)
        self._members = 1
        # Bytes that have come; the first ones of deflate tell whether it is of zlib or raw, as some servers send it.
        self._first = b""

    def feed(self, piece: bytes, limit: int) -> bytes:
        found, length = list[bytes](), 0
        while piece and length < limit:
            if self._zlib.eof:
                if self._window != _GZIP_WINDOW:
                    raise CodingError(f"invalid {self._name}: more bytes come after its end")
                if not (piece := piece.lstrip(b"\0")):
                    break
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise CodingError(f"invalid gzip: more than {MAX_MEMBERS:,} members")
                self._zlib = zlib.decompressobj(self._window)
            found.append(self._decompressed(piece, limit - length))
            length += len(found[-1])
            piece = self._zlib.unused_data
        # Of one piece alone, as nearly always, no copy is made.
        return b"".join(found)

    def _decompressed(self, piece: bytes, limit: int) -> bytes:
        try:
            found = self._zlib.decompress(piece, limit)
        except zlib.error as error:
            if self._window != _ZLIB_WINDOW or len(self._first) > 1:
                raise CodingError(f"invalid {self._name}: {error}") from error
            self._window, self._zlib = _RAW_WINDOW, zlib.decompressobj(_RAW_WINDOW)
            return self._decompressed(self._first + piece, limit)
        if len(self._first) < 2:
            self._first += piece
        return found

    def end(self) -> None:
        if not self._zlib.eof:
            raise CodingError(f"invalid {self._name}: it ends too early")
