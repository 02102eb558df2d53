"""What a bench runs against: S3, a replica and a Prefect server in processes of their own, and what it runs."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from bench.measure import Ended, python
from bench.s3 import Counts, counts
from flows.local.stack import Stack, local_stack
from lake.store import Store

BUCKET = "bench"

RECORDING_SECONDS = 3

COMMAND = ("-c", "from flows.cli import main; main()")


@dataclass(frozen=True)
class World:
    """A running stack whose S3 counts; this process has its environment."""

    stack: Stack
    corpus: str

    @property
    def source(self) -> str:
        """The address of the replica, with a slash at its end."""
        assert self.stack.replica is not None
        return self.stack.replica

    def refresh(self, prefix: str, *flags: str, environment: Mapping[str, str | None] | None = None) -> Ended:
        """Run `pokelake refresh` on a lake of this bucket, in a process of its own."""
        place = ("--bucket", BUCKET, "--prefix", prefix, "--source", self.source)
        return python(*COMMAND, "refresh", *place, *flags, environment=environment)

    def crawl_bare(self, *resource: str) -> Ended:
        """Run the bare script."""
        return python("-m", "bench.bare", "crawl", self.source, BUCKET, *resource)

    def store(self, prefix: str) -> Store:
        """Open a lake of the bucket."""
        return Store(BUCKET, prefix)

    def s3_counts(self) -> Counts:
        """Return what S3 was asked since this was asked last."""
        return counts(self.stack.s3)

    def task_runs(self) -> int:
        """Return how many task runs the Prefect server knows of; it records them some seconds after they end."""
        time.sleep(RECORDING_SECONDS)
        found: int = _ask("POST", f"{self.stack.prefect}/api/task_runs/count", {})
        return found

    def source_counts(self) -> dict[str, Any]:
        """Return what the replica has counted since this was asked last."""
        found: dict[str, Any] = self._control("GET", "counters")
        self._control("DELETE", "counters")
        return found

    def serve(self, corpus: str) -> None:
        """Have the replica serve another corpus."""
        self._control("PUT", "corpus", {"path": corpus})

    def hide_version(self) -> None:
        """Have the source not say its version when it is asked next, so that every document is asked for."""
        self._control("PUT", "faults", [{"kind": "status", "status": 404, "path": "^meta$", "times": 1}])

    def _control(self, method: str, what: str, value: object = None) -> Any:
        return _ask(method, f"{self.source.removesuffix('api/v2/')}replica/{what}", value)


def _ask(method: str, url: str, value: object) -> Any:
    body = None if value is None else json.dumps(value).encode()
    with urlopen(Request(url, body, {"Content-Type": "application/json"}, method=method)) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def world(corpus: str) -> Iterator[World]:
    """Run everything while the block runs."""
    before = dict(os.environ)
    with local_stack(corpus, lambda line: None, s3_module="bench.s3") as stack:
        os.environ.update(stack.environment)
        try:
            Store(BUCKET).create_bucket()
            yield World(stack, corpus)
        finally:
            os.environ.clear()
            os.environ.update(before)
