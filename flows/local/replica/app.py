"""The replica as an ASGI application: PokeAPI below /api/v2/, its control below /replica/."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from flows.local.replica.answers import Renderer
from flows.local.replica.corpus import Corpus, CorpusError, open_corpus
from flows.local.replica.counters import Counters
from flows.local.replica.exchange import Exchange
from flows.local.replica.faults import FaultError, Faults
from flows.local.replica.misbehaviour import misbehave


class Replica:
    """An ASGI application that holds the corpus, the faults and the counters of one replica.

    It must be served by ``flows.local.replica.server``, which tells it the connection of each request.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.renderer = Renderer(corpus)
        self.faults = Faults()
        self.counters = Counters()
        self._control = _control(self)

    def switch(self, corpus: Corpus) -> None:
        """Serve another corpus from the next request on; faults and counters stay."""
        self.renderer = Renderer(corpus)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/api/v2/") and scope["path"] != "/api/v2":
            await self._control(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        self.counters.begin(exchange.transport, exchange.user_agent)
        try:
            await self._answer(exchange)
        finally:
            self.counters.end(exchange.asked, exchange.status, exchange.sent)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.method not in ("GET", "HEAD"):
            await exchange.reply_error(405, [(b"allow", b"GET, HEAD")])
            return
        if self.faults.rules:
            for rule in self.faults.meet(exchange.asked):
                if rule.kind != "latency":
                    await misbehave(rule, exchange, self.renderer)
                    return
                if not await exchange.wait(rule.values["seconds"]):
                    return
        answer = self.renderer.answer(exchange.base, exchange.path, exchange.query)
        if answer is None:
            await exchange.reply_error(404)
        else:
            await exchange.reply_answer(answer)


def _control(replica: Replica) -> Starlette:
    async def read_faults(request: Request) -> Response:
        return JSONResponse(replica.faults.report())

    async def set_faults(request: Request) -> Response:
        given = await request.json()
        if not isinstance(given, list):
            raise FaultError(f"expected a list of rules, found {given!r}")
        replica.faults = Faults(given)
        return JSONResponse(replica.faults.report())

    async def read_counters(request: Request) -> Response:
        return JSONResponse(replica.counters.report())

    async def reset_counters(request: Request) -> Response:
        replica.counters.reset()
        return Response(status_code=204)

    async def switch_corpus(request: Request) -> Response:
        given = await request.json()
        if not isinstance(given, dict) or not isinstance(given.get("path"), str):
            raise CorpusError("/replica/corpus", f'expected {{"path": "..."}}, found {given!r}')
        replica.switch(await asyncio.to_thread(open_corpus, given["path"]))
        return await read_corpus(request)

    async def read_corpus(request: Request) -> Response:
        corpus = replica.renderer.corpus
        return JSONResponse({"path": corpus.source, "documents": len(corpus), "hash": corpus.version_hash})

    def route(path: str, method: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(path, endpoint, methods=[method])

    async def refuse(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"{error}\n", status_code=400)

    refusals: Any = {FaultError: refuse, CorpusError: refuse, ValueError: refuse}
    return Starlette(
        exception_handlers=refusals,
        routes=[
            route("/replica/faults", "GET", read_faults),
            route("/replica/faults", "PUT", set_faults),
            route("/replica/counters", "GET", read_counters),
            route("/replica/counters", "DELETE", reset_counters),
            route("/replica/corpus", "GET", read_corpus),
            route("/replica/corpus", "PUT", switch_corpus),
        ],
    )
