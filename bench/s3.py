"""The S3 of the local stack, which also counts what it is asked and how many bytes it is sent, by whomever."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from urllib.request import urlopen

import moto.server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from flows.local.s3 import spare_moto

# No bucket can have this name.
PATH = "/-/counts"

# What is counted beside the requests of each kind: the bytes of their bodies, and the files of tables that were read.
SENT, FILES = "bytes sent", "files read"

Start = Callable[..., Any]


class Counting(DomainDispatcherApplication):
    """moto's application; a request for `PATH` returns what was counted since the last one."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._counts: Counter[str] = Counter()
        self._files: set[str] = set()
        self._sent = 0
        self._counting = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        with self._counting:
            if environ["PATH_INFO"] == PATH:
                body = json.dumps({**self._counts, FILES: len(self._files), SENT: self._sent}).encode()
                self._counts.clear()
                self._files.clear()
                self._sent = 0
                start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
                return [body]
            self._counts[operation(environ)] += 1
            self._sent += int(environ.get("CONTENT_LENGTH") or 0)
            if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(".parquet"):
                self._files.add(environ["PATH_INFO"])
        answer: Iterable[bytes] = super().__call__(environ, start_response)
        return answer


def operation(environ: dict[str, Any]) -> str:
    """Return the kind of a request, as S3 names it on a bill.

    >>> operation({"REQUEST_METHOD": "GET", "PATH_INFO": "/lake", "QUERY_STRING": "list-type=2&prefix=commits/"})
    'LIST'
    >>> operation({"REQUEST_METHOD": "PUT", "PATH_INFO": "/lake/a", "HTTP_X_AMZ_COPY_SOURCE": "lake/b"})
    'COPY'
    """
    method: str = environ["REQUEST_METHOD"]
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if method == "GET" and "/" not in environ["PATH_INFO"].strip("/"):
        return "LIST"
    if method == "POST":
        return "DELETE" if "delete" in query else "POST"
    return "COPY" if "HTTP_X_AMZ_COPY_SOURCE" in environ else method


@dataclass(frozen=True)
class Counts:
    """Requests by kind, the bytes that were sent with them, and how many files of tables were read."""

    requests: Mapping[str, int]
    bytes_sent: int
    files_read: int

    @property
    def total(self) -> int:
        return sum(self.requests.values())


def counts(s3: str) -> Counts:
    """Return what was counted since this was asked last."""
    with urlopen(f"{s3}{PATH}") as answer:
        found: dict[str, int] = json.loads(answer.read())
    sent, files = found.pop(SENT), found.pop(FILES)
    return Counts(found, sent, files)


if __name__ == "__main__":
    spare_moto()
    vars(moto.server)["DomainDispatcherApplication"] = Counting
    moto.server.main(sys.argv[1:])
