"""An API like Notion's: items are documents, a cursor leads to the next page, and a search takes a body by POST."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.sources import Api, Served, page_of, running


@contextmanager
def battles() -> Iterator[Api]:
    """Serve the battles while the block runs."""
    with running(_application, "battles", "id", "/api/") as api:
        yield api


def _application(served: Served) -> Starlette:
    def page(size: int, cursor: str, winner: str = "") -> Response:
        """Return the battles after a cursor, which is given on the last page as well."""
        ids = [id_ for id_, body in served.documents.items() if f'"winner":"{winner}'.encode() in body]
        after = urlsafe_b64decode(cursor).decode()
        start = ids.index(after) + 1 if after else 0
        shown = ids[start : start + size]
        following = urlsafe_b64encode(shown[-1].encode()).decode() if shown else cursor
        items = [served.documents[id_] for id_ in shown]
        return page_of(items, "results", has_more=start + size < len(ids), next_cursor=following)

    async def listing(request: Request) -> Response:
        served.note(request)
        if int(size := request.query_params.get("page_size", "4")) > 100:
            return JSONResponse({"error": f"page_size: at most 100, not {size}"}, 400)
        return page(int(size), request.query_params.get("start_cursor", ""))

    async def search(request: Request) -> Response:
        served.note(request)
        wanted: dict[str, Any] = await request.json()
        return page(wanted.get("page_size", 4), wanted.get("start_cursor", ""), wanted.get("winner", ""))

    return Starlette(
        routes=[Route("/api/battles", listing), Route("/api/battles/search", search, methods=["POST"])],
    )
