"""One URL: how many connections are open, and when each of them is given back."""

import asyncio
from typing import Any

import pytest

from flows.local.replica import Running
from lake.crawl import Client, Pace
from lake.crawl.reply import FetchError
from lake.errors import BudgetError
from tests.lake.crawl import PATIENCE_SECONDS, Ports, get, source


def test_no_more_connections_are_open_than_allowed(running: Running):
    running.faults([{"kind": "latency", "seconds": 0.02}])
    settings = source(running.url)

    async def ask() -> None:
        async with Client(settings, Pace(settings), 2) as client:
            await asyncio.gather(*(client.get(f"{running.url}pokemon/25/") for _ in range(8)))

    asyncio.run(ask())
    counters = running.counters()
    assert counters["requests"] == 8
    assert counters["peak_concurrency"] <= 2
    assert counters["peak_connections"] <= 2


@pytest.mark.parametrize("path", ["pokemon/25/", "machine/1/"])
@pytest.mark.parametrize("conditional", [False, True])
def test_a_connection_serves_many_requests(running: Running, path: str, conditional: bool):
    """A refresh of all of PokeAPI in which nothing changed would otherwise shake hands 15,500 times."""
    settings, ports = source(running.url), Ports()
    etag = get(settings, path).etag if conditional else None

    async def ask() -> None:
        async with Client(settings, Pace(settings), 1, transport=ports) as client:
            for _ in range(5):
                await client.get(f"{running.url}{path}", etag)

    asyncio.run(ask())
    assert (len(ports.seen), len(set(ports.seen))) == (5, 1)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "huge", "bytes": 50_000_000},
        {"kind": "bomb", "bytes": 50_000_000},
        {"kind": "drop"},
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 503},
        {"kind": "html"},
        {"kind": "redirect", "location": "http://elsewhere.test/"},
        {"kind": "reset"},
        {"kind": "truncated", "variant": "chunked"},
    ],
    ids=lambda rule: str(rule["kind"]),
)
def test_a_refused_answer_gives_its_connection_back(running: Running, rule: dict[str, Any]):
    """With only one, the next request would wait for it forever."""
    running.faults([{**rule, "times": 1}])
    settings = source(running.url, attempts=1, max_document_bytes=10_000, timeout_seconds=10)

    async def ask() -> bytes | None:
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(FetchError):
                await client.get(f"{running.url}pokemon/25/")
            return (await client.get(f"{running.url}pokemon/25/")).body

    assert asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_a_request_that_is_called_off_ends_and_gives_its_connection_back(running: Running):
    running.faults([{"kind": "latency", "seconds": 60, "times": 1}])
    settings = source(running.url, timeout_seconds=10)

    async def ask() -> bytes | None:
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get(f"{running.url}pokemon/25/"), 0.1)
            return (await client.get(f"{running.url}pokemon/25/")).body

    assert asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_a_spent_budget_is_no_fault_of_the_document(running: Running):
    settings = source(running.url, requests_per_run=1)

    async def ask() -> None:
        async with Client(settings, Pace(settings), 1) as client:
            await client.get(f"{running.url}pokemon/25/")
            with pytest.raises(BudgetError, match="budget of 1 requests"):
                await client.get(f"{running.url}pokemon/25/")

    asyncio.run(ask())
    assert running.counters()["requests"] == 1
