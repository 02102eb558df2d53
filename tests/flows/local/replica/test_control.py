"""Controlling a running replica: counters, corpus, and the command that starts it."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.local.replica import CorpusError, Running
from tests.flows.local.replica import settle, small_corpus

COMMAND = (str(Path(sys.executable).with_name("pokelake")), "replica")


@pytest.fixture
def running(small_replica: Running) -> Iterator[Running]:
    """Return the small replica as it was at first, and leave it with its own corpus."""
    settle(small_replica)
    yield small_replica
    small_replica.switch(small_corpus())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a corpus of one document on disk."""
    document = tmp_path / "data" / "api" / "v2" / "pokemon" / "151" / "index.json"
    document.parent.mkdir(parents=True)
    document.write_bytes(b'{"id":151,"name":"mew"}')
    return tmp_path


def test_requests_are_counted_by_path_and_status(running: Running):
    with httpx.Client(base_url=running.url, headers={"User-Agent": "ash/1"}) as api:
        etag = api.get("pokemon/25/").headers["etag"]
        api.get("pokemon/25", headers={"If-None-Match": etag})
        api.get("pokemon/?limit=1")
        api.get("nope/")
    counters = running.counters()
    assert counters["requests"] == 4
    assert counters["by_status"] == {"200": 2, "304": 1, "404": 1}
    assert counters["by_path"]["pokemon/25"] == {"200": 1, "304": 1}
    assert counters["by_path"]["pokemon"] == {"200": 1}
    assert counters["user_agents"] == ["ash/1"]


def test_bytes_are_those_of_the_bodies_as_sent(running: Running):
    with httpx.Client(base_url=running.url) as api:
        api.head("machine/1/")
        sent = sum(int(api.get(path).headers["content-length"]) for path in ("machine/1/", "nope/"))
    assert running.counters()["bytes"] == sent


def test_concurrency_is_what_was_in_flight_at_one_time(running: Running):
    running.faults([{"kind": "latency", "seconds": 0.2}])

    async def crawl() -> None:
        async with httpx.AsyncClient(base_url=running.url, limits=httpx.Limits(max_connections=3)) as api:
            await asyncio.gather(*(api.get("pokemon/25/") for _ in range(6)))

    asyncio.run(crawl())
    counters = running.counters()
    assert (counters["peak_concurrency"], counters["peak_connections"], counters["in_flight"]) == (3, 3, 0)


def test_control_is_not_counted(running: Running):
    running.faults([])
    running.counters()
    assert running.counters()["requests"] == 0


def test_counters_are_reset(running: Running):
    httpx.get(f"{running.url}pokemon/25/")
    running.reset()
    counters = running.counters()
    assert (counters["requests"], counters["by_path"], counters["peak_concurrency"]) == (0, {}, 0)


def test_another_corpus_is_served_from_the_next_request_on(running: Running):
    before = httpx.get(f"{running.url}pokemon/25/")
    running.switch(small_corpus(**{"pokemon/25": {"id": 25, "name": "surfing-pikachu"}}))
    after = httpx.get(f"{running.url}pokemon/25/", headers={"If-None-Match": before.headers["etag"]})
    assert after.json()["name"] == "surfing-pikachu"


def test_the_corpus_can_be_switched_over_http(running: Running, folder: Path):
    control = running.url.replace("/api/v2/", "/replica/corpus")
    assert httpx.put(control, json={"path": str(folder)}).json()["documents"] == 1
    assert httpx.get(f"{running.url}pokemon/mew/").json()["id"] == 151
    assert httpx.get(f"{running.url}pokemon/25/").status_code == 404


def test_a_corpus_that_cannot_be_opened_leaves_the_old_one(running: Running, tmp_path: Path):
    control = running.url.replace("/api/v2/", "/replica/corpus")
    for given in ({"path": str(tmp_path / "nowhere")}, {"folder": "x"}, []):
        assert httpx.put(control, json=given).status_code == 400
    assert httpx.get(f"{running.url}pokemon/25/").status_code == 200
    with pytest.raises(CorpusError):
        running.switch(tmp_path / "nowhere")


def test_what_is_neither_api_nor_control_is_not_found(running: Running):
    assert httpx.get(running.url.removesuffix("api/v2/")).status_code == 404


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_command_tells_its_url_and_stops_cleanly(folder: Path, stop: signal.Signals):
    command = [*COMMAND, "--port", "0", "--corpus", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            told = re.fullmatch(r"PokeAPI replica of (.+) \(1 documents\) at (http://127\.0\.0\.1:\d+/api/v2/)\n", line)
            assert told is not None
            assert told[1] == str(folder)
            assert httpx.get(f"{told[2]}pokemon/151/").json()["name"] == "mew"
            process.send_signal(stop)
            assert process.communicate(timeout=10) == ("", "")
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize("wrong", ["corpus", "port"])
def test_the_command_says_what_it_cannot_have(running: Running, tmp_path: Path, wrong: str):
    taken, nowhere = httpx.URL(running.url), str(tmp_path / "nowhere")
    options = ["--corpus", nowhere] if wrong == "corpus" else ["--port", str(taken.port)]
    process = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=20)
    expected = f"{nowhere}: expected " if wrong == "corpus" else f"{taken.host}:{taken.port}: cannot listen there: "
    assert process.returncode == 1
    assert process.stderr.startswith(f"pokelake: {expected}")
    assert "Traceback" not in process.stderr
