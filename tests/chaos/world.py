"""What a part of the harness works on: S3 and Prefect behind proxies, a replica of PokeAPI, a runner of commands."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import boto3

from flows.local.replica import Running, demo_documents
from flows.local.replica.files import read_files
from flows.local.stack import local_stack
from lake.store import Store
from tests.chaos.proxy import Proxy, proxy
from tests.chaos.runner import Run, Runner, runner
from tests.lake.assemble.lakeside import Documents, changed, copied, versioned

BUCKET = "chaos"

# Few and small, and one of them is referred to by the two others.
RESOURCES = ("berry", "generation", "type")

CORPORA = Path(__file__).parents[3] / "shared" / "pokeapi"


class Served(Running):
    """A replica in some process, told by HTTP what to serve and how to misbehave."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80

    def serve(self, folder: Path) -> None:
        """Serve the documents of a folder, without faults and with counters at zero."""
        self.faults([])
        self._control("PUT", "/replica/corpus", {"path": str(folder)})
        self.reset()


@dataclass
class World:
    """A local stack that is being broken: runs meet S3, Prefect and the source through `s3`, `prefect` and `web`."""

    s3: Proxy
    s3_url: str
    prefect: Proxy
    api: str
    web: Proxy
    web_url: str
    source: Served
    runner: Runner
    home: Path
    is_real: bool = False
    seed: int = 0
    began: float = field(default_factory=time.monotonic)
    _prefixes: Iterator[int] = field(default_factory=count)

    def seconds_left(self, of: float) -> float:
        """Return how much of a time is left since this was made."""
        return self.began + of - time.monotonic()

    def prefix(self) -> str:
        """Return a folder of the bucket that nobody has used."""
        return f"lake-{next(self._prefixes):04d}"

    def store(self, prefix: str) -> Store:
        """Open a lake as somebody does who does not go through the proxy."""
        return Store(BUCKET, prefix)

    def copy(self, prefix: str) -> str:
        """Copy a lake to a folder of its own, and return that."""
        target, s3 = self.prefix(), boto3.client("s3")
        for item in self.store(prefix).list(""):
            source = {"Bucket": BUCKET, "Key": f"{prefix}/{item.key}"}
            s3.copy_object(Bucket=BUCKET, Key=f"{target}/{item.key}", CopySource=source)
        return target

    def serve(self, name: str, documents: Documents) -> None:
        """Serve documents as a version of their own, from a folder of this name."""
        folder = self.home / "corpora" / name
        for path, body in versioned(documents).items():
            file = folder / "data" / "api" / "v2" / path / "index.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        self.source.serve(folder)

    def arguments(self, verb: str, prefix: str, *more: str) -> list[str]:
        """Return a command about a lake."""
        where = ["--bucket", BUCKET, "--prefix", prefix]
        is_crawl = verb in ("refresh", "discover")
        return [verb, *where, *(["--source", self.web_url] if is_crawl else []), *more]

    def run(self, verb: str, prefix: str, *more: str, marked: str = "") -> Run:
        """Run a command about a lake to its end."""
        return self.runner.run(*self.arguments(verb, prefix, *more), marked=marked)

    def done(self, verb: str, prefix: str, *more: str, marked: str = "") -> Run:
        """Run a command that must succeed."""
        run = self.run(verb, prefix, *more, marked=marked)
        assert run.code == 0, f"{verb} ended with code {run.code}: {run.said[-2000:]}"
        return run


@contextmanager
def world(s3: str, api: str, replica: str, home: Path, is_real: bool = False, seed: int = 0) -> Iterator[World]:
    """Put proxies before these servers, and start a runner; the environment must lead to S3."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    source = Served(replica)
    with proxy(s3) as (before_s3, s3_url), proxy(api) as (before_api, api_url), proxy(replica) as (web, web_url):
        environment = {"AWS_ENDPOINT_URL": s3_url, "PREFECT_API_URL": f"{api_url}{urlsplit(api).path}"}
        with runner(environment, home) as commands:
            web_url += urlsplit(replica).path
            yield World(before_s3, s3_url, before_api, api, web, web_url, source, commands, home, is_real, seed)


@contextmanager
def local_world(home: Path, seed: int = 0) -> Iterator[World]:
    """Run a world on a local stack of its own."""
    with local_stack("demo", lambda line: None) as stack:
        os.environ.update(stack.environment)
        assert stack.replica is not None
        is_real = CORPORA.is_dir()
        with world(stack.s3, f"{stack.prefect}/api", stack.replica, home, is_real, seed) as made:
            yield made


@cache
def _real() -> Documents:
    """Return the documents of the newest real corpus that lies beside the checkout, else of the demo's."""
    archives = sorted(CORPORA.glob("api-data-*.tar.xz"))
    return dict(read_files(archives[-1])) if archives else demo_documents()


def few(is_real: bool, *resources: str) -> Documents:
    """Return ``meta`` and the documents of a few resources, without their listings."""
    documents = _real() if is_real else demo_documents()
    return {
        path: body
        for path, body in documents.items()
        if path == "meta" or (path.count("/") == 1 and path.split("/")[0] in (resources or RESOURCES))
    }


def next_version(documents: Documents) -> Documents:
    """Return the documents as they might be a month later: two changed, one new."""
    berry = min(path for path in documents if path.startswith("berry/"))
    return copied(changed(changed(documents, "type/1", name="plain"), berry, size=21), berry, 9001, name="new")
