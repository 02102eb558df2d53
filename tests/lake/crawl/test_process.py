"""A process of its own for HTTP: it fetches as this one would, says so when it ends, and outlives nobody."""

import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from flows.local.replica import Running
from lake.crawl import Fetcher, Key, cut
from lake.crawl.key import ClientSecret
from lake.crawl.process import _read_answer, write_answer
from lake.errors import SourceError, UnknownNameError
from tests.lake.crawl import PATIENCE_SECONDS, install, listing, shard, source, wanted
from tests.second_source import KEY, second_source, settings
from tests.waiting import until

REPOSITORY = Path(__file__).parents[3]


def child(fetcher: Fetcher) -> subprocess.Popen[bytes]:
    """Return the child, once it is at work."""
    return until(lambda: fetcher._child, every=0.01, enough=lambda child: True)


def is_alive(process: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def slow(running: Running) -> Running:
    running.faults([{"kind": "latency", "seconds": 60}])
    return running


def test_a_shard_is_fetched_as_it_is_in_this_process(running: Running):
    polite = source(running.url, user_agent="ash/1")
    sent = httpx.get(f"{running.url}pokemon/25/")
    running.reset()
    items = [
        *wanted(polite, "pokemon/25", "pokemon/151"),
        *wanted(polite, "pokemon/26", is_listed=False),
        *wanted(polite, "machine/1", etag=httpx.get(f"{running.url}machine/1/").headers["etag"]),
    ]
    running.reset()
    with Fetcher(polite) as fetcher:
        fetched = fetcher.fetch(shard(items))
    [received] = fetched.received
    assert (received.path, received.etag, received.body) == (
        items[0].reference.path,
        sent.headers["etag"],
        sent.content,
    )
    assert fetched.failed == [(items[1].reference, "listed, but status 404")]
    assert fetched.gone == [items[2].reference]
    assert fetched.unchanged == [items[3].reference]
    assert (fetched.requests, fetched.versions) == (4, {"0d8fe2bf": 2})
    assert running.counters()["user_agents"] == ["ash/1"]


def test_shards_of_several_threads_are_fetched_at_the_same_time(running: Running):
    running.faults([{"kind": "latency", "seconds": 0.5}])
    polite = source(running.url, connections=4, parallel_shards=4)
    with Fetcher(polite) as fetcher, ThreadPoolExecutor(4) as threads:
        fetched = list(threads.map(fetcher.fetch, [shard(wanted(polite, "pokemon/25"))] * 4))
    assert [len(found.received) for found in fetched] == [1, 1, 1, 1]
    assert running.counters()["peak_concurrency"] == 4


def test_all_shards_keep_to_one_rate_and_one_budget(running: Running):
    polite = source(running.url, requests_per_second=20, requests_per_run=6)
    begun = time.monotonic()
    with Fetcher(polite) as fetcher, ThreadPoolExecutor(3) as threads:
        list(threads.map(fetcher.fetch, [shard(wanted(polite, "pokemon/25", "pokemon/132"))] * 3))
        # Timers may be early by a tick of the clock, but not by more.
        assert time.monotonic() - begun >= 5 / 20 - 0.05
        for _ in range(2):
            with pytest.raises(SourceError, match="the budget of 6 requests a run is spent"):
                fetcher.fetch(shard(wanted(polite, "pokemon/25")))
    assert running.counters()["requests"] == 6


def test_bodies_that_are_longer_than_a_pipe_holds_come_whole(running: Running):
    running.faults([{"kind": "huge", "bytes": 5_000_000}])
    polite = source(running.url, connections=4, parallel_shards=1)
    asked = shard(wanted(polite, *["pokemon/1"] * 4))
    with Fetcher(polite) as fetcher:
        assert [len(item.body) for item in fetcher.fetch(asked).received] == [5_000_000] * 4
        assert running.counters()["requests"] == 4


def test_the_key_is_sent_along_and_inline_shards_are_read():
    with second_source("cursor", inline=True) as base:
        league, key = settings(base, "cursor", inline=True), Key({"Authorization": f"Bearer {KEY}"})
        [inline] = cut(league, listing(league, "trainer", key=key), {})
        with Fetcher(league, key) as fetcher:
            assert len(fetcher.fetch(inline).received) == 5
        with Fetcher(league) as fetcher:
            failed = fetcher.fetch(inline).failed
        assert len(failed) == 5
        assert "status 401" in failed[0][1]


def test_the_key_is_neither_among_the_arguments_nor_in_the_environment():
    """Others on the machine can read the one, and children inherit the other."""
    key = Key({"Authorization": f"Bearer {KEY}"}, {"api_key": KEY}, ClientSecret("league", KEY))
    with Fetcher(source(), key) as fetcher:
        fetcher.fetch(shard([]))
        of_child = Path(f"/proc/{child(fetcher).pid}")
        assert KEY.encode() not in (of_child / "cmdline").read_bytes() + (of_child / "environ").read_bytes()


def test_an_unknown_crawler_is_named_before_anything_starts():
    with pytest.raises(UnknownNameError, match="no crawler 'soap'"):
        Fetcher(source(kind="soap"))


def test_a_mistake_in_the_child_is_told_with_its_traceback(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install(tmp_path, monkeypatch, "faulty", "def problem(reference, body):\n    return body.decoded()\n")
    polite = source(running.url, kind="faulty")
    with Fetcher(polite) as fetcher:
        with pytest.raises(RuntimeError, match=r"(?s)fetching pokemon, shard 0, failed.+AttributeError.+decoded"):
            fetcher.fetch(shard(wanted(polite, "pokemon/25")))
        assert fetcher.fetch(shard([])).received == []


def test_what_is_printed_in_the_child_does_not_get_between_its_answers(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install(tmp_path, monkeypatch, "noisy", "def problem(reference, body):\n    print('a' * 100)\n")
    polite = source(running.url, kind="noisy")
    with Fetcher(polite) as fetcher:
        assert len(fetcher.fetch(shard(wanted(polite, "pokemon/25"))).received) == 1


def test_an_answer_that_cannot_be_sent_ends_the_child_rather_than_leave_all_waiting(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    code = """
import threading
from lake.errors import SourceError
def problem(reference, body):
    error = SourceError("no pipe takes this")
    error.lock = threading.Lock()
    raise error
"""
    install(tmp_path, monkeypatch, "unsendable", code)
    polite = source(running.url, kind="unsendable")
    with Fetcher(polite) as fetcher, pytest.raises(SourceError, match="ended by itself, with exit code 1"):
        fetcher.fetch(shard(wanted(polite, "pokemon/25")))


def test_a_child_that_is_killed_is_an_error_for_all_who_wait_and_all_who_come(slow: Running):
    polite = source(slow.url)
    asked = shard(wanted(polite, "pokemon/25"))
    with Fetcher(polite) as fetcher, ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(fetcher.fetch, asked) for _ in range(2)]
        child(fetcher).kill()
        for future in waiting:
            with pytest.raises(SourceError, match=r"ended by itself, with exit code -9; .+ run again"):
                future.result(PATIENCE_SECONDS)
        with pytest.raises(SourceError, match="ended by itself"):
            fetcher.fetch(asked)


def test_a_child_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Fetcher(source()) as fetcher, pytest.raises(SourceError, match="ended by itself, with exit code 1"):
        fetcher.fetch(shard([]))


def test_closing_ends_the_child_and_whoever_waits(slow: Running):
    polite = source(slow.url)
    fetcher = Fetcher(polite)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(fetcher.fetch, shard(wanted(polite, "pokemon/25")))
        process = child(fetcher)
        fetcher.close()
        fetcher.close()
        with pytest.raises(SourceError, match="the fetcher was closed"):
            waiting.result(PATIENCE_SECONDS)
    assert process.returncode == 0
    with pytest.raises(SourceError, match="the fetcher was closed"):
        fetcher.fetch(shard([]))


def test_a_fetcher_that_was_never_used_has_nothing_to_close():
    fetcher = Fetcher(source())
    fetcher.close()
    assert fetcher._child is None


def test_the_child_ends_with_its_parent_however_that_ends(slow: Running):
    code = f"""
import threading, time
from lake.crawl import Fetcher
from tests.lake.crawl import shard, source, wanted
polite = source({slow.url!r})
fetcher = Fetcher(polite)
fetcher.fetch(shard([]))
threading.Thread(target=fetcher.fetch, args=(shard(wanted(polite, "pokemon/25")),)).start()
print(fetcher._child.pid, flush=True)
time.sleep(3600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        process = int(parent.stdout.readline())
        assert is_alive(process)
        parent.kill()
        parent.wait()
    until(lambda: not is_alive(process), every=0.05)


def test_an_interrupt_from_the_terminal_leaves_the_end_to_the_parent():
    with Fetcher(source()) as fetcher:
        fetcher.fetch(shard([]))
        os.kill(child(fetcher).pid, signal.SIGINT)
        assert fetcher.fetch(shard([])).requests == 0


def test_the_child_knows_only_the_crawl(running: Running):
    """It starts in the time that this takes, and costs little memory."""
    code = "import lake.crawl.__main__, sys; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in found.stdout.split()}
    assert not modules & {"prefect", "prefect_aws", "pyarrow", "pandas", "numpy", "boto3", "pydantic"}


def test_code_that_is_not_installed_is_found_and_a_folder_of_the_same_name_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Flows run from code that was pulled into some folder, in a working directory that may hold anything."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "__init__.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    with Fetcher(source()) as fetcher:
        assert fetcher.fetch(shard([])).requests == 0


def test_an_answer_that_a_dying_child_did_not_end_is_none():
    sent = io.BytesIO()
    write_answer(sent, (1, [b"a" * 70_000, "Pikachu"]))
    whole = sent.getvalue()
    assert _read_answer(io.BytesIO(whole)) == (1, [b"a" * 70_000, "Pikachu"])
    for end in (*range(40), *range(len(whole) - 40, len(whole))):
        with pytest.raises(EOFError):
            _read_answer(io.BytesIO(whole[:end]))
