"""Carrying out faults on the answers of the replica."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from flows.local.replica.answers import Answer, Headers, Renderer, page
from flows.local.replica.exchange import Exchange
from flows.local.replica.faults import Rule

HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>"

PIECE_BYTES = 1 << 20

Values = Mapping[str, Any]


async def misbehave(rule: Rule, exchange: Exchange, renderer: Renderer) -> None:
    """Answer a request as a rule asks, of any kind but latency.

    A fault of documents or listings leaves all other answers as they are, so that a 404 stays one.
    """
    if rule.kind in _INSTEAD:
        await _INSTEAD[rule.kind](rule.values, exchange)
        return
    change = _CHANGES.get(rule.kind)
    changed = change(rule.values, exchange, renderer) if change else None
    answer = changed or renderer.answer(exchange.base, exchange.path, exchange.query)
    if answer is None:
        await exchange.reply_error(404)
    elif rule.kind in _SPOILT:
        await _SPOILT[rule.kind](rule.values, exchange, answer)
    else:
        await exchange.reply_answer(answer)


async def _status(values: Values, exchange: Exchange) -> None:
    retry_after = values["retry_after"]
    headers: Headers = [] if retry_after is None else [(b"retry-after", retry_after.encode("latin-1"))]
    await exchange.reply_error(values["status"], headers)


async def _drop(values: Values, exchange: Exchange) -> None:
    await exchange.reply_error(404)


async def _html(values: Values, exchange: Exchange) -> None:
    await exchange.reply(values["status"], [(b"content-type", b"text/html; charset=utf-8")], HTML)


async def _redirect(values: Values, exchange: Exchange) -> None:
    await exchange.reply(values["status"], [(b"location", values["location"].encode("latin-1"))], b"")


async def _huge(values: Values, exchange: Exchange) -> None:
    await exchange.start(200, [(b"content-type", b"application/json; charset=utf-8")])
    for piece in _padded_json(values["bytes"]):
        if exchange.transport.is_closing():
            await exchange.close()
            return
        await exchange.send(piece, more=True)
    await exchange.send(b"")


async def _bomb(values: Values, exchange: Exchange) -> None:
    body = await asyncio.to_thread(_packed_json, values["bytes"])
    json_type = (b"content-type", b"application/json; charset=utf-8")
    await exchange.reply(200, [json_type, (b"content-encoding", b"gzip")], body)


async def _truncated(values: Values, exchange: Exchange, answer: Answer) -> None:
    variant, keep = values["variant"], values["keep"]
    if variant == "gzip":
        body = answer.kept if answer.is_gzipped else gzip.compress(answer.kept)
        headers = _without_length(answer.plain_headers)
        await exchange.reply(200, [*headers, (b"content-encoding", b"gzip")], _part(body, keep))
        return
    body = _part(answer.body(), keep)
    if variant == "close":
        await exchange.reply_until_close(200, _without_length(answer.plain_headers), body)
        return
    await exchange.start(200, answer.plain_headers if variant == "length" else _without_length(answer.plain_headers))
    await exchange.send(body, more=True)
    await exchange.close()


async def _reset(values: Values, exchange: Exchange, answer: Answer) -> None:
    if values["keep"] is not None:
        await exchange.start(200, answer.plain_headers)
        await exchange.send(_part(answer.body(), values["keep"]), more=True)
    await exchange.reset()


async def _invalid_json(values: Values, exchange: Exchange, answer: Answer) -> None:
    await exchange.reply(200, _without_length(answer.plain_headers), _part(answer.body(), 0.5))


async def _content_type(values: Values, exchange: Exchange, answer: Answer) -> None:
    headers = [header for header in _without_length(answer.plain_headers) if header[0] != b"content-type"]
    wrong = (b"content-type", values["value"].encode("latin-1"))
    await exchange.reply(200, [wrong, *headers], answer.body())


def _wrong_id(values: Values, exchange: Exchange, renderer: Renderer) -> Answer | None:
    path = renderer.corpus.canonical(exchange.asked)
    document = json.loads(renderer.corpus.document(path)) if path else None
    if not isinstance(document, dict) or "id" not in document:
        return None
    document["id"] = document["id"] + 1 if values["id"] is None else values["id"]
    return renderer.render(exchange.base, _dump(document))


def _listing_short(values: Values, exchange: Exchange, renderer: Renderer) -> Answer | None:
    def shorten(listing: dict[str, Any]) -> None:
        listing["results"] = listing["results"][: max(len(listing["results"]) - values["entries"], 0)]

    return _changed_page(exchange, renderer, shorten)


def _listing_lie(values: Values, exchange: Exchange, renderer: Renderer) -> Answer | None:
    def lie(listing: dict[str, Any]) -> None:
        listing["count"] -= values["fewer"]
        listing["results"] += listing["results"][: values["duplicates"]]

    return _changed_page(exchange, renderer, lie)


def _listing_shrunk(values: Values, exchange: Exchange, renderer: Renderer) -> Answer | None:
    entries = renderer.corpus.listings.get(exchange.asked)
    if entries is None:
        return None
    left = entries[: max(len(entries) - values["entries"], 0)]
    return renderer.render(exchange.base, page(exchange.path, exchange.query, left))


def _changed_page(exchange: Exchange, renderer: Renderer, change: Callable[[dict[str, Any]], None]) -> Answer | None:
    entries = renderer.corpus.listings.get(exchange.asked)
    if entries is None:
        return None
    listing = json.loads(page(exchange.path, exchange.query, entries))
    change(listing)
    return renderer.render(exchange.base, _dump(listing))


def _padded_json(size: int) -> Iterator[bytes]:
    """Yield a JSON object of exactly this many bytes, or of the fewest it can have, in pieces."""
    head, tail = b'{"id":1,"name":"', b'"}'
    yield head
    left = max(size - len(head) - len(tail), 0)
    while left:
        piece = min(left, PIECE_BYTES)
        yield b"a" * piece
        left -= piece
    yield tail


@lru_cache(maxsize=2)
def _packed_json(size: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([*map(packer.compress, _padded_json(size)), packer.flush()])


def _part(body: bytes, keep: float) -> bytes:
    return body[: int(len(body) * keep)]


def _without_length(headers: Headers) -> Headers:
    return [header for header in headers if header[0] != b"content-length"]


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


_INSTEAD: Mapping[str, Callable[[Values, Exchange], Awaitable[None]]] = {
    "status": _status,
    "drop": _drop,
    "html": _html,
    "redirect": _redirect,
    "huge": _huge,
    "bomb": _bomb,
}

_SPOILT: Mapping[str, Callable[[Values, Exchange, Answer], Awaitable[None]]] = {
    "truncated": _truncated,
    "reset": _reset,
    "invalid_json": _invalid_json,
    "content_type": _content_type,
}

_CHANGES: Mapping[str, Callable[[Values, Exchange, Renderer], Answer | None]] = {
    "wrong_id": _wrong_id,
    "listing_short": _listing_short,
    "listing_lie": _listing_lie,
    "listing_shrunk": _listing_shrunk,
}
