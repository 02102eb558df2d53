"""The outputs of ``notebooks/first-look.ipynb``, on the lake of the cookbook, as they are on any machine."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import nbformat
import pytest
from moto.server import ThreadedMotoServer
from nbformat import NotebookNode

from flows.local.demo import BUCKET, PREFIX
from lake.store import Store
from tests.conftest import use_s3
from tests.docs import REPOSITORY
from tests.docs.cookbook import fill
from tests.lake.assemble.lakeside import Lakeside
from tests.notebooks import execute
from tests.s3 import without_sockets

PATH = REPOSITORY / "notebooks/first-look.ipynb"


def first_look() -> str:
    """Return the notebook with its outputs."""
    # moto logs every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with without_sockets(endpoint := f"http://{host}:{port}"), _filled(endpoint):
            return nbformat.writes(executed()) + "\n"
    finally:
        server.stop()


@contextmanager
def _filled(endpoint: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_s3(endpoint, patch)
        fill_lake()
        yield


def fill_lake() -> None:
    """Publish two snapshots where the notebook looks for a lake."""
    store = Store(BUCKET, PREFIX)
    store.create_bucket()
    fill(Lakeside(store))


def executed() -> NotebookNode:
    """Return the notebook as it is after all of its cells have run; it does not say which Python ran it."""
    book = nbformat.read(PATH, as_version=4)
    metadata = dict(book.metadata)
    execute(book)
    book.metadata = metadata
    return book
