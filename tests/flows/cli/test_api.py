"""Prefect's API in bad weather: every command that asks it ends in one paragraph, and with exit code 1."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import typer
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.cli import app, main
from flows.cli.api import BUSY_SECONDS, PAUSE_SECONDS, api_error
from flows.deploy.code import collect
from flows.steps.parameters import _opened
from tests.tried import tried

# How each command is given what it needs otherwise; it is then left to ask Prefect's API.
SOURCE = ("--bucket", "lake", "--source", "http://127.0.0.1:9/api/v2/")
ASKING: dict[str, tuple[str, ...]] = {
    "refresh": SOURCE,
    "discover": SOURCE,
    "rebuild": ("--bucket", "lake"),
    "maintain": ("--bucket", "lake"),
    "plan": (),
    "setup": ("--bucket", "lake"),
    "push": (),
    "doctor": (),
    "serve": (),
    "rollback": (),
    "deploy-image": (f"image:{collect(Path.cwd()).version}",),
    "teardown": ("--yes",),
    "tables": (),
    "columns": ("pokemon",),
    "docs": (),
    "snapshots": (),
    "audits": (),
    "report": (),
    "verify": (),
    "restore": ("20260808T041200Z-1f3a9c02", "--reason", "bad"),
    "read": ("pokemon",),
    "sql": ("SELECT 1",),
    "diff": ("pokemon", "2026-08-08"),
    "changes": ("2026-08-08",),
    "export": ("lake.duckdb",),
    "document": ("pokemon", "1"),
    "catalog": ("--database", "pokelake"),
    "tell": ("a-run", "status"),
    "runs": (),
    "status": (),
    "approve": (),
    "try-source": (),
}
# The first two ask a server that they start themselves.
NEVER_ASKING = {"demo", "up", "replica", "iam-policy", "image-tag"}

# What these did before the API went away is kept.
KEPT = {"refresh", "discover", "maintain", "setup", "push", "deploy-image", "teardown"}

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str], bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ran]:
    """Return a function that runs a command with the API at an address: its exit code, and both streams."""

    # To read the certificates takes longer than a command, and so do new settings of Prefect's.
    tls = ssl.create_default_context()
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: tls)
    set_to: str | None = None

    def run(api: str, command: str) -> tuple[int, str, str]:
        nonlocal set_to
        _opened.cache_clear()
        if api != set_to:
            settings.close()
            settings.enter_context(temporary_settings({PREFECT_API_URL: api or None, PREFECT_CLIENT_MAX_RETRIES: 0}))
            set_to = api
        with pytest.raises(SystemExit) as ended:
            main([command, *ASKING[command]])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    with ExitStack() as settings:
        yield run
    _opened.cache_clear()


@pytest.fixture(scope="module")
def answering() -> Iterator[Callable[[int, bytes, str], str]]:
    """Return a function that lets a server answer everything with a status and a body, and returns its address."""
    said: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(said["status"])
            if said["location"]:
                self.send_header("Location", said["location"])
            self.send_header("Retry-After", "60")
            self.send_header("Content-Length", str(len(said["body"])))
            self.end_headers()
            self.wfile.write(said["body"])

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def answer(status: int, body: bytes, location: str = "") -> str:
            said.update(status=status, body=body, location=location)
            return f"http://127.0.0.1:{server.server_port}/api"

        yield answer
        server.shutdown()


def test_every_command_is_tried():
    assert typer.main.get_command(app).commands.keys() == ASKING.keys() | NEVER_ASKING


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"exception_message": "\x1b[2JUnauthorized"}', "answered with status 401; check PREFECT_API_KEY"),
        (403, b"no", "answered with status 403; check PREFECT_API_KEY"),
        (404, b'{"detail": "Not Found"}', "answered with status 404; check PREFECT_API_URL, which ends in /api"),
        (405, b'{"detail": "Method Not Allowed"}', "answered with status 405; check PREFECT_API_URL, which ends in"),
        (500, b'{"exception_message": "Internal Server Error"}', "answered with status 500; check PREFECT_API_URL"),
        (200, b"<!doctype html><title>Sign in</title>", "answered, but not with JSON; check PREFECT_API_URL"),
    ],
)
def test_an_answer_that_is_none_is_one_paragraph(answering: Any, ran: Ran, status: int, body: bytes, said: str):
    url = answering(status, body)
    for command in ("doctor", "maintain", "tables"):
        check(ran(url, command), command, f"pokelake: Prefect's API at {url} {said}")


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_an_api_that_is_busy_is_asked_again_and_not_for_long(
    answering: Any, ran: Ran, status: int, monkeypatch: pytest.MonkeyPatch
):
    clock = Clock()
    monkeypatch.setattr("flows.cli.api.time", clock)
    url = answering(status, b"{}")
    check(ran(url, "tables"), "tables", f"pokelake: Prefect's API at {url} answered with status {status}")
    assert clock.slept == [PAUSE_SECONDS] * (BUSY_SECONDS // PAUSE_SECONDS)
    monkeypatch.setattr(clock, "sleep", lambda seconds: answering(401, b"{}"))
    check(ran(url, "tables"), "tables", f"pokelake: Prefect's API at {url} answered with status 401")


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_an_api_that_takes_connections_and_never_answers_is_given_up(ran: Ran, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flows.cli.api.ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        for command in ("tables", "maintain", "push", "serve"):
            check(ran(url, command), command, f"pokelake: Prefect's API at {url} gave no answer in time (ReadTimeout)")


def test_an_api_that_is_not_there_is_one_paragraph(ran: Ran, answering: Any, monkeypatch: pytest.MonkeyPatch):
    """Nor is it behind a redirect."""
    # Prefect's client tries four times to connect, within one and a half seconds.
    for kind in ("sync", "async"):
        monkeypatch.setattr(f"httpcore._{kind}.connection.exponential_backoff", lambda factor: repeat(0))
    dead = "http://user:hyper-beam@127.0.0.1:9/api"
    for command in tried(ASKING, "doctor", "refresh", "tables"):
        check(ran(dead, command), command, "pokelake: Prefect's API at http://127.0.0.1:9/api could not be used: ")
    url = answering(302, b"", "http://127.0.0.1:9/login")
    check(ran(url, "tables"), "tables", f"pokelake: Prefect's API at {url} could not be used: ConnectError")


def test_odd_lists_of_names_without_a_proxy_are_read(answering: Any, ran: Ran, monkeypatch: pytest.MonkeyPatch):
    """And the API on loopback is asked without a proxy, which would answer nothing."""
    url = answering(500, b"{}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "[::1],fd00::/8,example.com")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for command in ("doctor", "maintain", "tables"):
        check(ran(url, command), command, f"pokelake: Prefect's API at {url} answered with status 500")


def test_a_proxy_that_cannot_be_one_is_named(ran: Ran, monkeypatch: pytest.MonkeyPatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("HTTPS_PROXY", "foo://user:hyper-beam@bar")
    for command in tried(ASKING, "doctor", "refresh", "tables"):
        code, out, err = ran("http://127.0.0.1:9/api", command)
        assert (code, out) == (1, ""), command
        assert err.startswith("pokelake: HTTPS_PROXY: expected the address of a proxy"), command
        assert "hyper-beam" not in err


def check(found: tuple[int, str, str], command: str, said: str) -> None:
    """Check that a command ended in one paragraph; `doctor` says it in its list, and goes on to its other questions."""
    code, out, err = found
    assert code == 1, command
    assert "Traceback" not in out + err
    assert "hyper-beam" not in out + err
    if command == "doctor":
        assert out.startswith("failed   Prefect API: ")
        return
    assert (out, err.count("\n")) == ("", 1), command
    assert err.startswith(said), command
    # Commands that only read have done nothing to go on from.
    assert ("the same command goes on from what was done" in err) == (command in KEPT), command


def test_what_our_own_code_raised_is_not_told_as_trouble_of_the_api():
    """An error of a flow passes through Prefect's client on its way to the command."""

    def module(name: str, code: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": name}
        exec(code, names)
        return names

    client = module("prefect.client.x", "def call(function): return function()")
    ours = module("lake.x", "def fail(): raise KeyError('documents')")
    theirs = module("prefect.client.y", "def fail(): raise KeyError('documents')")
    told = []
    for fail in (ours["fail"], theirs["fail"]):
        with pytest.raises(KeyError) as caught:
            client["call"](fail)
        told.append(api_error(caught.value) is not None)
    assert told == [False, True]


def test_a_profile_that_is_gone_is_named_and_no_server_is_started(ran: Ran, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_PROFILE", "pokelake-up")
    code, out, err = ran("", "tables")
    assert (code, out) == (1, "")
    assert err.startswith("pokelake: PREFECT_PROFILE names 'pokelake-up', and Prefect has no such profile")
