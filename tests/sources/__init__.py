"""Three APIs of different shapes, which `docs/sources.md` shows, served from documents written by hand.

Each module here is one of them, and the file beside it with the same name has its documents, one a line.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.serving import serving


@dataclass(frozen=True, slots=True)
class Api:
    """An API that runs: its base URL, its documents by id, to be changed at will, and the requests that it got."""

    base_url: str
    documents: dict[str, bytes]
    asked: list[str]


@dataclass(frozen=True, slots=True)
class Served:
    """What an application answers from."""

    documents: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        """Remember a request as its method, path and query."""
        query = f"?{request.url.query}" if request.url.query else ""
        self.asked.append(f"{request.method} {request.url.path}{query}")


@contextmanager
def running(make: Callable[[Served], Starlette], name: str, id_: str, folder: str) -> Iterator[Api]:
    """Serve the documents of a file, whose ids lie at `id_`, while the block runs."""
    lines = Path(__file__).with_name(f"{name}.jsonl").read_bytes().splitlines()
    served = Served({str(json.loads(line)[id_]): line for line in lines})
    with serving(make(served)) as address:
        yield Api(f"{address}{folder}", served.documents, served.asked)


def page_of(items: list[bytes], member: str, **others: object) -> Response:
    """Return a page with items, byte for byte, in one member and what else it says in others."""
    said = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in others.items())
    body = b'{"%b":[%b]%b}' % (member.encode(), b",".join(items), said.encode())
    return Response(body, media_type="application/json")
