"""A source that is not PokeAPI: a league of trainers, paged in any way, for those who have its key."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lake.crawl import Rest, Source
from lake.crawl.key import basic
from tests.serving import serving

KEY = "cerulean-7f3a"

# What the league gives for its key where that is exchanged for a token, at `/token`.
TOKEN = "pewter-90b1"

Style = Literal["next", "cursor", "offset", "page", "header"]
KeyIn = Literal["header", "query", "basic", "oauth2"]
Trainer = dict[str, Any]

# One id has a slash, as those of some registries do.
TRAINERS: tuple[Trainer, ...] = (
    {"id": "ash", "town": "Pallet Town", "badges": 8, "team": [{"pokemon": "pikachu", "level": 25}]},
    {"id": "cerulean/misty", "town": "Cerulean City", "badges": 0, "team": [{"pokemon": "starmie", "level": 21}]},
    {"id": "brock", "town": "Pewter City", "badges": 0, "team": []},
    {"id": "gary", "town": "Pallet Town", "badges": 10, "team": [{"pokemon": "eevee", "level": None}]},
    {"id": "é", "town": None, "badges": 1, "team": [{"pokemon": "ditto", "level": 10}]},
)


def trainers() -> dict[str, Trainer]:
    """Return the trainers by id, to be changed at will."""
    return {trainer["id"]: json.loads(json.dumps(trainer)) for trainer in TRAINERS}


def settings(
    url: str, style: Style = "next", inline: bool = False, complete_every: int | None = None, **changes: Any
) -> Source:
    """Return how the league is crawled; its key is to be added, by a Secret block or otherwise.

    With `complete_every`, refreshes in between list only what changed.
    """
    changing = {} if complete_every is None else {"since_parameter": "updated_since", "complete_every": complete_every}
    rest = Rest(
        collections=(("trainer", "trainers"),),
        results_path="data",
        paging=style,
        next_path={"next": "links.next", "cursor": "links.cursor"}.get(style, ""),
        cursor_parameter="after",
        offset_parameter="after",
        page_size_parameter="limit",
        count_path="" if style in ("offset", "header") else "count",
        count_header="X-Total-Count" if style == "header" else "",
        document_path="" if inline else "{listing}/{id}",
        **changing,
    )
    polite = {"requests_per_second": 0, "retry_delay_seconds": 0.001, "attempts": 2, "page_size": 2}
    return Source(url, "rest", rest=rest, **{**polite, **changes})


def secret(key_in: KeyIn) -> str:
    """Return what the block of the league's key holds."""
    return {"basic": f"ash:{KEY}", "oauth2": f"league:{KEY}"}.get(key_in, KEY)


def key_settings(url: str, key_in: KeyIn) -> dict[str, str]:
    """Return the settings of the league's key."""
    token = {"oauth2_token_url": f"{url.removesuffix('v1/')}token", "oauth2_scope": "read"}
    return {"api_key_in": key_in, "api_key_parameter": "key", **(token if key_in == "oauth2" else {})}


@contextmanager
def second_source(
    style: Style = "next",
    inline: bool = False,
    served: Mapping[str, Trainer] | None = None,
    has_etags: bool = True,
    asked: list[str] | None = None,
    key_in: KeyIn = "header",
) -> Iterator[str]:
    """Serve the league from a thread while the block runs, and yield its base URL; `served` may change meanwhile.

    With the query `updated_since`, those trainers are listed whose time `updated` is not before it. `asked` gets the
    path and query of each request, below the base URL. One for a trainer that is `broken` is answered with 500. A
    key of the query is repeated in all links, as some APIs do.
    """
    served, asked = trainers() if served is None else served, [] if asked is None else asked
    with serving(_application(style, inline, served, has_etags, asked, key_in)) as address:
        yield f"{address}/v1/"


def _application(
    style: Style, inline: bool, served: Mapping[str, Trainer], has_etags: bool, asked: list[str], key_in: KeyIn
) -> Starlette:
    ways = {"header": f"Bearer {KEY}", "basic": basic(secret("basic")), "oauth2": f"Bearer {TOKEN}", "query": None}
    repeated = f"&key={KEY}" if key_in == "query" else ""

    def listing(request: Request) -> tuple[dict[str, Any], dict[str, str]]:
        """Return a page and its headers; it says how to go on as the style wants it, and in no other way."""
        asked = {name: int(value) for name, value in request.query_params.items() if name in ("limit", "after", "page")}
        size = asked.get("limit", 2)
        start = asked.get("after", size * (asked.get("page", 1) - 1))
        since = request.query_params.get("updated_since", "")
        # Times of one form ascend as texts.
        items = [item for item in served.values() if item.get("updated", "") >= since]
        end = start + size if start + size < len(items) else None
        data = items[start : start + size] if inline else [{"id": item["id"]} for item in items[start : start + size]]
        query = f"updated_since={since}&" if since else ""
        page, link = {"data": data, "count": len(items)}, f"/v1/trainers?{query}limit={size}&after={end}{repeated}"
        if style == "header":
            lines = f'</v1/trainers>; rel="first", <{link}>; rel="next"' if end else '</v1/trainers>; rel="first"'
            return page, {"Link": lines, "X-Total-Count": str(len(items))}
        following = {"cursor": end, "next": link if end else None}
        return page | {"links": {style: following[style]} if style in following else {}}, {}

    async def answer(request: Request) -> Response:
        asked.append(str(request.url).partition("/v1/")[2])
        key = request.query_params.get("key") if key_in == "query" else None
        if request.headers.get("Authorization") != ways[key_in] or key != (KEY if key_in == "query" else None):
            return JSONResponse({"error": "who are you?"}, 401)
        trainer = request.path_params.get("id")
        found, headers = listing(request) if trainer is None else (served.get(trainer), {})
        if found is None or (inline and trainer is not None):
            return JSONResponse({"error": f"no {quote(str(trainer))}"}, 404)
        if found.get("broken"):
            return JSONResponse({"error": "try later"}, 500)
        if not has_etags:
            return JSONResponse(found, headers=headers)
        etag = f'"{sha256(json.dumps(found).encode()).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return JSONResponse(found, headers={"ETag": etag, **headers})

    async def token(request: Request) -> Response:
        form = await request.body()
        if request.headers.get("Authorization") != basic(secret("oauth2")) or b"scope=read" not in form.split(b"&"):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})

    routes = [Route("/token", token, methods=["POST"])] if key_in == "oauth2" else []
    return Starlette(routes=[*routes, Route("/v1/trainers", answer), Route("/v1/trainers/{id:path}", answer)])
