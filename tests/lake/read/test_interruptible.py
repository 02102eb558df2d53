"""Ctrl-C while DuckDB or Arrow work: it ends them, as it would end Python, and nothing is left."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event, main_thread
from typing import Any

import pytest

from lake.read import Lake, export, query
from lake.read.interruptible import Stop, interruptible


def press_ctrl_c() -> None:
    ident = main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGINT)


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Hear Ctrl-C, which a process that a shell starts in the background does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_was_interrupted_has_ended_when_it_is_said():
    told, ended = Event(), []

    def work() -> None:
        press_ctrl_c()
        assert told.wait(10)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        interruptible(work, told.set)
    assert ended == [True]


def test_what_goes_well_or_wrong_by_itself_is_handed_on():
    assert interruptible(lambda: 5, lambda: None) == 5
    with pytest.raises(ValueError, match="invalid literal"):
        interruptible(lambda: int("x"), lambda: None)


@pytest.mark.parametrize("name", ["all.duckdb", "all.v1"])
def test_an_export_leaves_nothing(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    told, opened, meanwhile = Event(), export.open_dataset, list[str]()

    class Told(Stop):
        def ask(self) -> None:
            super().ask()
            told.set()

    def interrupted(*given: Any) -> Any:
        press_ctrl_c()
        assert told.wait(10)
        meanwhile.extend(os.listdir(tmp_path))
        return opened(*given)

    monkeypatch.setattr(export, "Stop", Told)
    monkeypatch.setattr(export, "open_dataset", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lake.export(tmp_path / name)
    assert all(one.startswith(f"{name}.") for one in meanwhile)
    assert os.listdir(tmp_path) == []


def test_a_query_ends_and_is_not_asked_again(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    answer, asked = query._answer, []

    def interrupted(*given: Any) -> Any:
        asked.append(given)
        press_ctrl_c()
        return answer(*given)

    monkeypatch.setattr(query, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lake.sql("SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 5")
    assert len(asked) == 1
