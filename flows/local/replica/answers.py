"""Rendering documents and listing pages as PokeAPI answers them, each one once."""

import gzip
import json
import re
import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Self
from urllib.parse import parse_qs

from flows.local.replica.corpus import API, Corpus, Entry

Headers = list[tuple[bytes, bytes]]

# Express compresses nothing smaller than this.
GZIP_FROM_BYTES = 1024
GZIP_LEVEL = 1

# Clients choose the base URL by their Host header and the page by their query; neither may fill the memory.
MAX_BASES = 4
MAX_PAGES = 256

# Of what each base was answered so much is kept, and the rest is rendered anew: those asked for in turn, as a crawl
# does, would only drive one another out. PokeAPI's documents take 25 MB.
KEPT_BYTES = 128 << 20

DEFAULT_LIMIT = 20


def etag_of(body: bytes) -> bytes:
    """Return the weak ETag that Express gives a body, of its length and SHA-1."""
    return b'W/"%x-%s"' % (len(body), b64encode(sha1(body).digest())[:27])


@dataclass(frozen=True, slots=True)
class Answer:
    """A rendered body, kept gzipped when it is not small, and the headers of each way to send it."""

    kept: bytes
    is_gzipped: bool
    etag: bytes
    plain_headers: Headers
    gzip_headers: Headers
    unchanged_headers: Headers

    @classmethod
    def of(cls, body: bytes, version_headers: Headers) -> Self:
        """Render a body as Express does: a weak ETag, gzip from 1 kB."""
        etag = etag_of(body)
        is_gzipped = len(body) >= GZIP_FROM_BYTES
        kept = gzip.compress(body, GZIP_LEVEL, mtime=0) if is_gzipped else body
        unchanged: Headers = [
            (b"cache-control", b"public, max-age=86400, s-maxage=86400"),
            (b"etag", etag),
            (b"vary", b"Accept-Encoding"),
            *version_headers,
        ]
        json_type = (b"content-type", b"application/json; charset=utf-8")
        plain = [json_type, (b"content-length", b"%d" % len(body)), *unchanged]
        zipped = [json_type, (b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(kept)), *unchanged]
        return cls(kept, is_gzipped, etag, plain, zipped if is_gzipped else plain, unchanged)

    def body(self) -> bytes:
        """Return the JSON as a client sees it after decompression."""
        return zlib.decompress(self.kept, 31) if self.is_gzipped else self.kept

    def is_known_to(self, if_none_match: bytes) -> bool:
        """Tell whether an If-None-Match header names this body; weak and strong tags compare equal."""
        if if_none_match == self.etag or if_none_match.strip() == b"*":
            return True
        opaque = self.etag.removeprefix(b"W/")
        return any(tag.strip().removeprefix(b"W/") == opaque for tag in if_none_match.split(b","))


class Renderer:
    """The answers of one corpus. It holds what it has rendered, up to a limit, for the last few base URLs."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._version_headers: Headers = [
            (name, value.encode("latin-1"))
            for name, value in (
                (b"x-pokeapi-hash", corpus.version_hash),
                (b"x-pokeapi-deploy-date", corpus.deploy_date),
            )
            if value
        ]
        self._documents: dict[bytes, dict[str, Answer]] = {}
        self._room: dict[bytes, int] = {}
        self._pages: dict[tuple[bytes, str, bytes], Answer] = {}

    def answer(self, base: bytes, path: str, query: bytes) -> Answer | None:
        """Return the answer to a lower-cased path below /api/v2/, or None where PokeAPI has nothing.

        ``base`` is the origin that URLs in the body begin with, such as ``b"http://127.0.0.1:8000"``.
        """
        documents = self._documents.get(base)
        if documents is None:
            documents = self._new_base(base)
        asked = path.removesuffix("/")
        answer = documents.get(asked)
        if answer is not None:
            return answer
        entries = self.corpus.listings.get(asked)
        if entries is not None:
            return self._page(base, path, query, entries)
        canonical = self.corpus.canonical(asked)
        if canonical is None:
            return None
        answer = documents.get(canonical)
        if answer is None:
            answer = self.render(base, self.corpus.document(canonical))
            self._room[base] -= len(answer.kept)
        if self._room[base] > 0:
            documents[canonical] = documents[asked] = answer
        return answer

    def render(self, base: bytes, body: bytes) -> Answer:
        """Make the relative URLs of a body absolute and answer it."""
        relative = b'"' + API.encode()
        return Answer.of(body.replace(relative, b'"' + base + API.encode()), self._version_headers)

    def _new_base(self, base: bytes) -> dict[str, Answer]:
        while len(self._documents) >= MAX_BASES:
            del self._documents[next(iter(self._documents))]
        self._room[base] = KEPT_BYTES
        return self._documents.setdefault(base, {})

    def _page(self, base: bytes, path: str, query: bytes, entries: Sequence[Entry]) -> Answer:
        key = (base, path, query)
        answer = self._pages.get(key)
        if answer is None:
            while len(self._pages) >= MAX_PAGES:
                del self._pages[next(iter(self._pages))]
            answer = self._pages[key] = self.render(base, page(path, query, entries))
        return answer


def page(path: str, query: bytes, entries: Sequence[Entry]) -> bytes:
    """Return one page of a listing as PokeAPI's front end cuts it, with relative URLs.

    ``limit=0`` and anything that is no number mean 20; the next page's limit shrinks to what is left.
    """
    asked = parse_qs(query.decode("latin-1"))
    offset, limit = _number(asked, "offset", 0), _number(asked, "limit", DEFAULT_LIMIT)
    count = len(entries)
    begin, end = offset + limit, min(offset + 2 * limit, count)
    back = max(offset - limit, 0)
    value = {
        "count": count,
        "next": _page_url(path, begin, end - begin) if end > begin else None,
        "previous": _page_url(path, back, offset - back) if back < offset else None,
        "results": entries[offset:begin],
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _number(asked: dict[str, list[str]], name: str, default: int) -> int:
    found = re.match(r"\s*[+-]?\d{1,15}", asked.get(name, [""])[0])
    return (int(found.group()) if found else 0) or default


def _page_url(path: str, offset: int, limit: int) -> str:
    return f"{API}{path}?offset={offset}&limit={limit}"
