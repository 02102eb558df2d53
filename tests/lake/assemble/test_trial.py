"""What a source that was tried would land: the tables of its documents, and what is in none of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.assemble.trial import Landing, landings
from lake.crawl.trial import Trial
from lake.resource import Document
from lake.source import Rest, Source
from lake.table_settings import TABLE_ENTRY_POINTS, ColumnSettings, TableSettings
from tests.lake.crawl import install
from tests.lake.tables import forget_installed

LEAGUE = """
import pyarrow as pa
from lake.schema import KEY, Field, Table

ID, TOWN = Field("member", pa.int64(), "Who.", KEY), Field("town", pa.string(), "Where.", "town", nullable=True)
TABLES = (Table("members", "one row per trainer", ("trainer",), ("member",), (ID, TOWN)),)
"""

AT = datetime(2026, 8, 8, tzinfo=UTC)


def landed(*documents: dict[str, Any], kind: str = "rest", **settings: Any) -> Landing:
    """Return what trainers land, given as documents in the order of the page."""
    received = tuple(
        Document("trainer", of["id"], f"trainer/{of['id']}", None, AT, json.dumps(of).encode()) for of in documents
    )
    source = Source("https://trainers.test/", kind, rest=Rest((("trainer", "trainers"),)), **settings)
    trial = Trial("trainer", source.base_url, len(documents), len(documents), documents=received)
    return landings(source, [trial])["trainer"]


def test_three_rows_by_the_key_are_shown_of_each_table():
    found = landed(*({"id": id_, "team": [{"level": id_}] * 2} for id_ in (4, 3, 2, 1)))
    assert [(tried.table.name, tried.rows.num_rows) for tried in found.tables] == [("trainer", 4), ("trainer_team", 8)]
    assert [tried.first.to_pylist() for tried in found.tables] == [
        [{"id": 1}, {"id": 2}, {"id": 3}],
        [
            {"trainer_id": 1, "ordinal": 1, "level": 1},
            {"trainer_id": 1, "ordinal": 2, "level": 1},
            {"trainer_id": 2, "ordinal": 1, "level": 2},
        ],
    ]


def test_what_has_no_value_in_these_documents_is_named():
    found = landed({"id": 1, "badge": None, "of": {"gym": None, "a.b": {}}, "team": [{"item": None}], "tags": []})
    assert set(found.notes) == {
        "badge: always null in these documents, so that it has no column yet",
        "of.gym: always null in these documents, so that it has no column yet",
        "of.a%2Eb: always an empty object in these documents, so that it has no column yet",
        "team[].item: always null in these documents, so that it has no column yet",
        "tags: always an empty list in these documents, so that it has no column yet",
    }
    said = TableSettings(omit=("of", "tags"), columns=(("badge", ColumnSettings(type="string")),))
    found = landed({"id": 1, "badge": None, "of": {"gym": None}, "tags": []}, tables=(("trainer", said),))
    assert found.notes == ()
    assert [field.name for field in found.tables[0].table.fields] == ["id", "badge"]


def test_notes_say_what_is_json_text_and_which_settings_have_no_effect():
    found = landed(
        {"id": 1, "score": 3}, {"id": 2, "score": "forfeit"}, tables=(("trainer", TableSettings(omit=("x",))),)
    )
    assert [note.partition(":")[0] for note in found.notes] == [
        "trainer.score, from score",
        "the setting omit of tables.trainer, 'x', has no effect",
    ]


def test_a_value_that_does_not_fit_a_type_of_the_settings_is_named():
    settings = TableSettings(columns=(("fee", ColumnSettings(type="int64")),))
    [trainer] = landed({"id": 1, "fee": 3}, {"id": 2, "fee": "free"}, tables=(("trainer", settings),)).tables
    assert trainer.first.to_pylist() == [{"id": 1, "fee": 3}, {"id": 2, "fee": None}]
    assert [(drift.path, drift.found) for drift in trainer.drifts] == [("fee", "str 'free'")]


def test_tables_that_a_package_declares_are_not_inferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    forget_installed()
    install(tmp_path, monkeypatch, "league", LEAGUE, TABLE_ENTRY_POINTS)
    try:
        [tried] = landed({"id": 1, "town": "Pallet Town", "team": []}, kind="league").tables
    finally:
        forget_installed()
    assert (tried.table.name, tried.first.to_pylist()) == ("members", [{"member": 1, "town": "Pallet Town"}])
