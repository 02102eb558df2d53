"""The catalog that follows a lake: it shows what was published, and what fails there fails no run."""

import logging
from typing import Any

import boto3
import pytest
from moto.glue.models import GlueBackend

from flows.steps import catalog
from flows.steps.catalog import VARIABLE, show_in_catalog
from lake.store import Store
from tests.flows.conftest import LOCATION
from tests.lake.catalog import snapshots_of
from tests.lake.read import FIRST, SECOND, moves, publish


@pytest.fixture
def noted(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Publish a snapshot; return the list that lines of the run's log are added to."""
    publish(store, FIRST, [moves((1, 1, 40))])
    lines: list[tuple[int, str]] = []
    monkeypatch.setattr(catalog, "note", lambda line, level=logging.INFO: lines.append((level, line)))
    return lines


def test_without_the_setting_glue_is_not_asked(noted: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Store, "client", None)
    for setting in (None, "", " "):
        monkeypatch.delenv(VARIABLE, raising=False)
        if setting is not None:
            monkeypatch.setenv(VARIABLE, setting)
        show_in_catalog(LOCATION)
    assert noted == []


def test_the_database_follows_each_snapshot(store: Store, noted: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "pokemon")
    show_in_catalog(LOCATION)
    assert set(snapshots_of("pokemon").values()) == {FIRST}
    publish(store, SECOND, [moves((1, 1, 45))])
    show_in_catalog(LOCATION)
    assert set(snapshots_of("pokemon").values()) == {SECOND}
    assert [line.partition(": ")[2] for _, line in noted] == ["2 tables created", "2 tables changed"]
    assert {level for level, _ in noted} == {logging.INFO}


def test_what_fails_is_a_warning_that_says_which_command_mends_it(noted: list[Any], monkeypatch: pytest.MonkeyPatch):
    mend = "`pokelake catalog --database pokemon --bucket lake --prefix pokelake` mends it, as does the next publish"
    monkeypatch.setenv(VARIABLE, "pokemon")
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "pokemon"})
    glue.create_table(DatabaseName="pokemon", TableInput={"Name": "moves"})
    show_in_catalog(LOCATION)
    (_, _), (level, line) = noted
    assert (level, line.count("\n- table moves in database pokemon")) == (logging.WARNING, 1)
    assert mend in line

    def broken(self: GlueBackend, *given: Any) -> None:
        raise RuntimeError("a bug of somebody")

    monkeypatch.setattr(GlueBackend, "get_database", broken)
    show_in_catalog(LOCATION)
    level, line = noted[-1]
    assert (level, line.startswith("the catalog pokemon was not brought up to date: ")) == (logging.WARNING, True)
    assert line.endswith(f"a bug of somebody; {mend}")
