"""Prefect's API refuses the key in the middle of a run: whoever looks reads one paragraph."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from flows.local.replica import Running
from lake.store import Store
from tests.flows.lakeside import asked
from tests.waiting import WAIT_SECONDS, until


class Door(ThreadingHTTPServer):
    """Stands before Prefect's API, and lets everybody in until the key is refused."""

    behind = ""
    is_refusing = False


class _Guard(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *given: object) -> None:
        pass

    def _answer(self) -> None:
        assert isinstance(self.server, Door)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = 401, b'{"exception_message":"Unauthorized"}'
        if not self.server.is_refusing:
            given = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            found = httpx.request(self.command, f"{self.server.behind}{self.path}", content=body, headers=given)
            status, content = found.status_code, found.content
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer


@pytest.fixture
def door(prefect_server: dict[str, str]) -> Iterator[Door]:
    with Door(("127.0.0.1", 0), _Guard) as server:
        server.behind = prefect_server["PREFECT_API_URL"].removesuffix("/api")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_run_whose_key_is_refused_ends_with_one_paragraph(door: Door, running: Running, store: Store):
    running.faults([{"kind": "latency", "seconds": 0.05}])
    command = [str(Path(sys.executable).with_name("pokelake")), "refresh", "--source", running.url, "--bucket", "lake"]
    command += ["--prefix", "pokelake", "--resources", "ability,generation,move", "--connections", "2"]
    environment = {**os.environ, "PREFECT_API_URL": f"http://127.0.0.1:{door.server_port}/api"}
    environment.pop("PREFECT_LOGGING_LEVEL", None)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        until(lambda: run.poll() is not None or asked(running, {f"move/{n}" for n in range(1, 900)}), every=0.05)
        door.is_refusing = True
        running.faults([])
        output, said = run.communicate(timeout=WAIT_SECONDS)
    assert run.returncode == 1
    assert output == ""
    [line] = said.splitlines()
    assert "answered with status 401; check PREFECT_API_KEY or PREFECT_API_AUTH_STRING" in line
