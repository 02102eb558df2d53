"""A command run in this process, as `main` runs it, and a lake to read."""

import re
from collections.abc import Callable, Iterator

import pytest
from moto.moto_api._internal.models import moto_api_backend

from flows.cli import main
from lake.store import Store
from tests.conftest import use_s3
from tests.flows.cli import BODY, DRIFT
from tests.lake.read import FIRST, SECOND, document, moves, publish
from tests.s3 import client_without_socket

SHOWN = ("--bucket", "shown", "--prefix", "pokelake")

Ran = Callable[..., tuple[int, str, str]]
Asked = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Return a function that runs a command and returns its exit code and what it wrote to both streams."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def _lake(s3_endpoint: str) -> Iterator[None]:
    """Publish two snapshots; these commands change nothing, so one lake is enough for all."""
    with pytest.MonkeyPatch.context() as patch:
        use_s3(s3_endpoint, patch)
        # The module before may have left its lake there.
        moto_api_backend.reset()
        client = client_without_socket(s3_endpoint)
        patch.setattr(Store, "_ambient_client", lambda _: client)
        store = Store("shown", "pokelake")
        store.create_bucket()
        publish(store, FIRST, [moves((1, 1, 40), (2, 1, None))], [document("pokemon", 25, "{}")])
        publish(store, SECOND, [moves((1, 1, 45), (3, 2, 50))], [document("pokemon", 25, BODY)], [DRIFT])
        yield


@pytest.fixture
def asked(_lake: None, capsysbinary: pytest.CaptureFixture[bytes]) -> Asked:
    """Return a function that runs a command on a lake of two snapshots: its exit code, and both streams."""

    def run(*arguments: str) -> tuple[int, bytes, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *SHOWN])
        captured = capsysbinary.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err.decode()

    return run


@pytest.fixture
def shown(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], str]]:
    """Return a function that runs a command on a terminal of some width: the lines it shows, and standard error."""

    def run(width: int, *arguments: str) -> tuple[list[str], str]:
        with monkeypatch.context() as patch:
            for name, value in (("COLUMNS", str(width)), ("TERM", "xterm")):
                patch.setenv(name, value)
            patch.setattr("sys.stdout.isatty", lambda: True)
            code, out, err = asked(*arguments)
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in out.decode().splitlines()]
        assert code == 0
        assert max(map(len, [*lines, *err.splitlines()])) <= width
        return lines, err

    return run
