"""One URL: what is asked for again, how long is waited before that, and what is given up."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.local.replica import Running
from lake.crawl import Client, Pace
from lake.crawl.pace import retry_after_seconds
from lake.crawl.reply import FetchError, NotFoundError
from tests.lake.crawl import BASE, PATIENCE_SECONDS, always, get, is_pikachu, refusal, source

NOW = datetime(2026, 8, 8, 4, 12, tzinfo=UTC)


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long is slept, without sleeping."""
    noted: list[float] = []
    sleep, here = asyncio.sleep, threading.current_thread()

    async def note(seconds: float) -> None:
        if threading.current_thread() is not here:
            # The replica sleeps too.
            await sleep(seconds)
        elif seconds:
            noted.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return noted


# Statuses


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_what_may_pass_is_asked_for_again(running: Running, status: int):
    running.faults([{"kind": "status", "status": status, "times": 2}])
    assert get(source(running.url), check=is_pikachu).body
    assert running.counters()["by_status"] == {"200": 1, str(status): 2}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_what_does_not_pass_is_refused_after_the_last_try(running: Running, status: int):
    running.faults([{"kind": "status", "status": status}])
    assert refusal(source(running.url, attempts=4)) == f"status {status}"
    assert running.counters()["requests"] == 4


@pytest.mark.parametrize("status", [201, 204, 206, 300, 400, 401, 403, 405, 410, 418, 451])
def test_any_other_refusal_is_final(running: Running, status: int):
    running.faults([{"kind": "status", "status": status}])
    assert refusal(source(running.url)) == f"status {status}"
    assert running.counters()["requests"] == 1


def test_a_404_is_told_apart_and_final(running: Running):
    """PokeAPI's caches keep a 404 for five days; asking again would only make it last."""
    with pytest.raises(NotFoundError, match="status 404"):
        get(source(running.url), "pokemon/9999/")
    assert running.counters()["requests"] == 1


# Waiting


def test_the_delay_between_tries_is_random_within_a_doubling_window(delays: list[float]):
    for _ in range(20):
        refusal(source(attempts=5, retry_delay_seconds=1), always(status=503))
    by_try = [delays[first::4] for first in range(4)]
    for window, found in zip((1, 2, 4, 8), by_try, strict=True):
        assert window / 4 < max(found) <= window
        assert len(set(found)) == 20


def test_retry_after_in_seconds_is_waited_for(delays: list[float]):
    refusal(source(attempts=3), always(status=429, headers={"Retry-After": "7"}))
    # Less what has passed since.
    assert delays == [pytest.approx(7, abs=1)] * 2


def test_retry_after_as_a_date_is_waited_for(delays: list[float]):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    refusal(source(attempts=2), always(status=503, headers={"Retry-After": until}))
    [delay] = delays
    # Less what has passed since, and the part of a second that the date has lost.
    assert 100 - PATIENCE_SECONDS <= delay <= 100


@pytest.mark.parametrize("hours", [-24, 24])
def test_retry_after_as_a_date_goes_by_the_clock_of_the_source(delays: list[float], hours: int):
    """A document of a source that says "in a minute" must not count as lost because a machine's clock is wrong."""
    now = datetime.now(UTC) + timedelta(hours=hours)
    said, until = (format_datetime(at, usegmt=True) for at in (now, now + timedelta(seconds=100)))
    refusal(source(attempts=2), always(status=503, headers={"Date": said, "Retry-After": until}))
    assert delays == [pytest.approx(100, abs=1)]


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("prefix", ["", "X-"])
@pytest.mark.parametrize("is_time", [False, True])
def test_a_limit_of_which_nothing_is_left_is_waited_for(delays: list[float], status: int, prefix: str, is_time: bool):
    """GitHub refuses so, without Retry-After."""
    now = datetime(2026, 8, 8, tzinfo=UTC)
    reset = str(int(now.timestamp()) * is_time + 100)
    headers = {f"{prefix}RateLimit-Remaining": "0", f"{prefix}RateLimit-Reset": reset}
    refusal(source(attempts=2), always(status=status, headers={"Date": format_datetime(now, usegmt=True), **headers}))
    assert delays == [pytest.approx(100, abs=1)]


@pytest.mark.parametrize("reset", ["0", "1786147199"])
def test_a_limit_that_should_have_begun_anew_is_waited_for_a_second(delays: list[float], reset: str):
    """Otherwise all tries would be over before it has."""
    headers = {"Date": "Sat, 08 Aug 2026 04:12:00 GMT", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    refusal(source(attempts=2), always(status=429, headers=headers))
    assert delays == [pytest.approx(1, abs=0.5)]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "100"},
        {"X-RateLimit-Remaining": "0"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"},
    ],
)
def test_a_refusal_with_requests_left_or_without_a_time_is_no_limit(delays: list[float], headers: dict[str, str]):
    assert refusal(source(attempts=2), always(status=403, headers=headers)) == "status 403"
    assert delays == []


def test_a_limit_that_begins_anew_in_an_hour_is_refused_at_once(delays: list[float]):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"}
    said = refusal(source(attempts=2), always(status=403, headers=headers))
    assert (said, delays) == ("status 403, come back in 3600 s", [])


@pytest.mark.parametrize("value", ["0", "Sat, 08 Aug 2020 04:12:00 GMT"])
def test_retry_after_of_no_time_means_at_once(delays: list[float], value: str):
    refusal(source(retry_delay_seconds=3600), always(status=429, headers={"Retry-After": value}))
    assert delays == []


def test_retry_after_holds_back_every_document(delays: list[float]):
    """A source that is overloaded says so to whoever comes next, but means all."""
    settings = source()
    pace = Pace(settings)

    async def ask(transport: httpx.AsyncBaseTransport) -> None:
        async with Client(settings, pace, 1, transport=transport) as client:
            await client.get(f"{BASE}pokemon/25/")

    with pytest.raises(FetchError):
        asyncio.run(ask(always(status=429, headers={"Retry-After": "7"})))
    delays.clear()
    asyncio.run(ask(always()))
    assert delays == [pytest.approx(7, abs=1)]


def test_retry_after_zero_is_survived_over_the_wire(running: Running):
    running.faults([{"kind": "status", "status": 429, "retry_after": "0", "times": 2}])
    assert get(source(running.url, retry_delay_seconds=3600)).body


@pytest.mark.parametrize("value", ["121", "120.01", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_far_away_is_refused_at_once(running: Running, value: str):
    running.faults([{"kind": "status", "status": 429, "retry_after": value}])
    assert refusal(source(running.url)).startswith("status 429, come back in ")
    assert running.counters()["requests"] == 1


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", ".5", "1,5", "1e2", "inf", "²", "1 Jan 99999999999 00:00:00 GMT", "Sat, 99"]
)
def test_retry_after_that_says_nothing_leaves_the_usual_delay(running: Running, value: str):
    running.faults([{"kind": "status", "status": 503, "retry_after": value, "times": 1}])
    assert get(source(running.url)).body


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 3 ", 3),
        ("1.5", 2),
        ("0.001", 1),
        ("2.0", 2),
        ("7.", 7),
        ("Sat, 08 Aug 2026 04:12:30 GMT", 30),
        ("Sat, 08 Aug 2026 06:12:30 +0200", 30),
        ("Sat, 08 Aug 2026 04:12:30", 30),
        ("Saturday, 08-Aug-26 04:12:30 GMT", 30),
        ("Sat Aug  8 04:12:30 2026", 30),
        ("Sat, 08 Aug 2026 04:11:30 GMT", 0),
    ],
)
def test_retry_after_is_read_in_every_form_the_standard_has(value: str | None, seconds: float | None):
    assert retry_after_seconds(value, NOW) == seconds


@given(st.text() | st.from_regex(r"(Sat, )?[0-9]{1,12} Aug [0-9]{1,12} [0-9:]{1,12} ([+-]?[0-9]{1,9}|GMT|Z)?"))
@example("²")
@example("0\x1f")
@example("1 Jan 99999999999 00:00:00 GMT")
def test_retry_after_is_never_negative_and_never_a_reason_to_fail(value: str):
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or seconds >= 0


# Sources that do not answer


def test_a_silent_source_is_given_up_and_asked_again(running: Running):
    running.faults([{"kind": "latency", "seconds": 60}])
    assert "Timeout" in refusal(source(running.url, timeout_seconds=0.1, attempts=2))


TRICKLED = {
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


@pytest.mark.parametrize("what", TRICKLED)
def test_an_answer_that_trickles_in_has_a_deadline(what: str):
    """Each piece comes before the timeout ends."""
    first, then = TRICKLED[what]

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(0.005)

    async def ask() -> None:
        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        settings = source(url, timeout_seconds=30, deadline_seconds=0.05, attempts=2)
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(FetchError, match=r"no whole answer within 0\.05 s"):
                await client.get(url)
            assert client.requests == 2
        server.close()

    asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_a_source_that_is_not_there_is_named(unused_port: int):
    assert refusal(source(f"http://127.0.0.1:{unused_port}/api/v2/")).startswith("ConnectError")


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as bound:
        # Bound but not listening: nobody else can take it, and connections are refused.
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("url", ["ftp://pokeapi.test/", "http://[::1", "http://pokeapi.test/\x7f", "http://a:b/"])
def test_what_is_no_url_is_refused_at_once(url: str, delays: list[float]):
    settings = source()

    async def ask() -> None:
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(FetchError, match="expected an HTTP address, found "):
                await client.get(url)
            assert client.requests == 0

    asyncio.run(ask())
    assert delays == []
