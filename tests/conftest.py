"""What every test stands on: a fresh moto bucket, and the real corpora where they are."""

import atexit
import fcntl
import gc
import importlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore.utils
import certifi
import pyarrow as pa
import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import settings
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer
from xdist.scheduler import LoadFileScheduling

from flows.local.replica import Running, replica
from flows.local.s3 import spare_moto
from lake.store import Store
from tests.flows.local.replica import small_corpus
from tests.once import once
from tests.refusing import AT_WORK, refuse_servers
from tests.s3 import client_without_socket, create_bucket, without_sockets

STARTED = Path(__file__).parent / "started"

# No test speaks TLS, and each client of HTTP would first read the certificates of all the world's authorities. What
# tests start reads one, from a file that is gone when Python ends.
CERTIFICATE = Path(tempfile.mkdtemp(prefix="pokelake-tests-"), "one.pem")
CERTIFICATE.write_text("".join(Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")[:2]))
atexit.register(shutil.rmtree, CERTIFICATE.parent)
os.environ["SSL_CERT_FILE"] = str(CERTIFICATE)

# Python looks for garbage among all that was imported: at its own pace that takes a tenth of the tests' time. The
# processes that tests start find a `sitecustomize` that says the same.
gc.set_threshold(50_000, 20, 50)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(STARTED), os.environ.get("PYTHONPATH"))))

DEPLOY = Path(__file__).parent / "flows" / "deploy"
CORPORA = Path(__file__).parents[2] / "shared" / "pokeapi"

# Files whose tests are dealt to one worker, because what they share is dear: the fixture ``deployed`` takes half a
# minute of a core, and to open the real corpora takes as long.
TOGETHER = {
    **{
        f"tests/flows/deploy/test_{name}.py": "deployed"
        for name in (
            "doctor",
            "doctor_alarms",
            "doctor_deployments",
            "doctor_ecs",
            "prefect_yaml",
            "rollback",
            "schedules",
            "two_lakes",
            "verdicts",
        )
    },
    **{
        f"tests/{name}.py": "corpora"
        for name in (
            "flows/test_corpus",
            "flows/local/replica/test_api",
            "lake/crawl/test_pokeapi_listings",
            "lake/tables/test_corpus",
            "lake/views/test_corpus",
        )
    },
}

# Where `make test` installs Dask and Ray: beside all other packages, which each process of Prefect's would import with
# them.
CLUSTER = Path(sys.prefix, "cluster")

# What opens a page, if anything here does; `make test` installs it where it may.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)

# Whoever uses one of these, directly or through others, needs a Prefect server.
SERVERS = {"migrated", "prefect_server"}

# Moto would make all images of machines anew for each test, and none starts a machine.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

# Laws are tried on few examples while one works, and on many by `make test`. No example fails for being slow.
settings.register_profile("dev", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Tables have few rows, and to hand them to threads takes longer than to work on them; `make test` has the threads.
if settings.get_current_profile_name() == "dev":
    pa.set_cpu_count(1)

# Prefect would start a server by itself where none is named.
os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"

# Prefect must never touch the home of whoever runs the tests.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Serve AWS on loopback for the whole session; clients of S3 in this process need no socket."""
    # moto logs every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    spare_moto()
    # A listing has the same few times again and again; moto and botocore read each of them as a text of any format.
    read_time = lru_cache(botocore.utils._parse_timestamp_with_tzinfo)
    # Every session reads anew what botocore knows of a service, which takes longer than all that a test asks of it.
    read_file = lru_cache(partial(JSONFileLoader.load_file, JSONFileLoader()))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.utils, "_parse_timestamp_with_tzinfo", read_time)
        patch.setattr(JSONFileLoader, "load_file", lambda self, path: read_file(path))
        server.start()
        host, port = server.get_host_and_port()
        with without_sockets(endpoint := f"http://{host}:{port}"):
            yield endpoint
        server.stop()


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    with once():
        yield


def use_s3(s3_endpoint: str, patch: pytest.MonkeyPatch) -> None:
    """Let everything find S3 through the environment."""
    patch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="session")
def s3_client(s3_endpoint: str) -> Any:
    """Return the S3 client of all tests that need none of their own: HTTP takes as long as S3 itself."""
    with pytest.MonkeyPatch.context() as patch:
        use_s3(s3_endpoint, patch)
        return client_without_socket(s3_endpoint)


@pytest.fixture
def bucket(s3_endpoint: str, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the test an empty bucket of its own, reachable through the environment alone."""
    use_s3(s3_endpoint, monkeypatch)
    moto_api_backend.reset()
    create_bucket("lake")
    return "lake"


@pytest.fixture
def over_http(bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the clients of this process ask over HTTP, by another name of the endpoint."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint.replace("127.0.0.1", "localhost"))


@pytest.fixture
def store(bucket: str, s3_client: Any) -> Store:
    """Open an empty lake."""
    return Store(bucket, "pokelake", s3_client)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a Prefect server that has just started; the first of all workers to need it makes it."""
    # It imports Prefect, which reads its settings then; who needs a server has set them.
    from tests.prefect_servers import make_database

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    database = shared / "migrated.db"
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            make_database(database)
    return database


@pytest.fixture(scope="module")
def cluster_packages() -> Iterator[None]:
    """Let this process find Dask and Ray."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(CLUSTER)])
        importlib.invalidate_caches()
        assert find_spec("distributed"), "Dask and Ray are not there: run `make .venv/cluster/installed` first"
        yield


@pytest.fixture(scope="session")
def small_replica() -> Iterator[Running]:
    """Run a replica of a few documents for the whole session."""
    with replica(small_corpus()) as running:
        yield running


def _corpus(date: str) -> Path:
    path = CORPORA / f"api-data-{date}.tar.xz"
    if not CORPORA.is_dir():
        pytest.skip(f"the real corpus of {date} is not beside the checkout, in ../shared/pokeapi")
    assert path.exists(), f"{CORPORA} is there, but lacks {path.name}"
    return path


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by its argument where that is bytes: gzip packs the second into them, so workers would disagree."""
    return argname if isinstance(val, bytes) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test that needs a server, or Dask and Ray, so that nobody has to."""
    if "cluster_packages" in getattr(item, "fixturenames", ()):
        item.add_marker("cluster")
    if SERVERS & set(getattr(item, "fixturenames", ())):
        item.add_marker("server")
        if item.path.is_relative_to(DEPLOY):
            item.add_marker("deploy")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the dearest begin first, in whatever order they are."""
    dearest = ("corpus", "deploy", "server")
    items.sort(key=lambda item: [item.get_closest_marker(marker) is None for marker in dearest])


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every search for garbage; pytest alone makes ten at the end."""
    gc.freeze()
    # Duckdb and polars complain at the end of the process of what is never freed.
    atexit.register(gc.unfreeze)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which test is at work, before its fixtures are."""
    AT_WORK[:] = [item]


# Every process that Python code starts comes from there. An audit hook would be told of each file and import as well.
subprocess.Popen.__init__ = refuse_servers(subprocess.Popen.__init__)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Deal tests out file by file, so that what a file's tests share is made once; some files share servers as well."""

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    return Scheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly when the tests on real input, or in a browser, did not run."""
    if CHROMIUM is None:
        terminalreporter.section("PAGES NOT OPENED IN A BROWSER", sep="!", red=True)
        terminalreporter.line("Install Chromium (`apt-get install -y chromium`) to run the tests that open a page.")
    if not CORPORA.is_dir():
        terminalreporter.section("REAL CORPUS NOT TESTED", sep="!", red=True)
        terminalreporter.line("Put PokeAPI's api-data archives into ../shared/pokeapi to run the tests on real input.")


@pytest.fixture(scope="session")
def corpus_2026_08_08() -> Path:
    """Name the newer real corpus; tests that need it do not run where it is not."""
    return _corpus("2026-08-08")


@pytest.fixture(scope="session")
def corpus_2026_07_06() -> Path:
    """Name the older real corpus; tests that need it do not run where it is not."""
    return _corpus("2026-07-06")
