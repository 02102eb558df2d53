"""Heartbeats, of an engine that stands in for Prefect's."""

import inspect
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import flow_engine

import flows.steps.watch
from flows.steps.heartbeats import heartbeats


class Engine:
    """An engine whose first heartbeat fails."""

    def __init__(self, seconds: float | None) -> None:
        self.heartbeat_seconds = seconds
        self.logger = SimpleNamespace(debug=lambda *given, **options: None)
        self.sent = threading.Semaphore(0)
        self.is_first = True

    def _build_heartbeat_event_template(self) -> tuple[dict[str, str], list[Any]]:
        return {"prefect.resource.id": "prefect.flow-run.1"}, []

    def _emit_flow_run_heartbeat(self, resource: dict[str, str], related: list[Any]) -> None:
        assert (resource["prefect.resource.id"], related) == ("prefect.flow-run.1", [])
        self.sent.release()
        if self.is_first:
            self.is_first = False
            raise ConnectionError("the API is away")


def beating() -> bool:
    return "heartbeats" in {thread.name for thread in threading.enumerate()}


def test_they_come_as_often_as_the_settings_say_and_one_that_fails_ends_nothing():
    engine = Engine(0.001)
    with heartbeats(engine):
        assert all(engine.sent.acquire(timeout=10) for _ in range(3))
    assert not beating()


def test_they_end_with_the_run_and_not_a_second_later(monkeypatch: pytest.MonkeyPatch):
    """The next one would be due in half a minute."""
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it sleeps"))
    engine = Engine(30)
    with heartbeats(engine):
        assert engine.sent.acquire(timeout=10)
        assert beating()
    assert not beating()
    assert not engine.sent.acquire(blocking=False)


def test_without_a_frequency_there_are_none():
    engine = Engine(None)
    with heartbeats(engine):
        assert not beating()
    assert not engine.sent.acquire(blocking=False)


def test_prefect_calls_them_in_the_place_of_its_own_with_what_they_take():
    """Prefect names neither function nor arguments to anybody, so another version may have others."""
    assert flows.steps.watch is not None
    assert flow_engine._send_heartbeats is heartbeats  # type: ignore[comparison-overlap]
    source = inspect.getsource(flow_engine)
    taken = "".join(source.partition("def _send_heartbeats(")[2].partition(")")[0].split())
    assert taken.startswith('engine:"BaseFlowRunEngine[Any,Any]",join_on_exit:bool=True')
    for name in ("_build_heartbeat_event_template", "_emit_flow_run_heartbeat"):
        assert hasattr(flow_engine.BaseFlowRunEngine, name)
