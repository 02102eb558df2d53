"""Tables that another package declares in Python: they are found by the kind of source, and their code counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.crawl import Source, crawler, rest
from lake.errors import LakeError
from lake.store import Store
from lake.table_settings import TABLE_ENTRY_POINTS
from lake.tables import catalog_of, fingerprint
from tests.lake.assemble.lakeside import Lakeside
from tests.lake.crawl import install
from tests.lake.tables import forget_installed

LEAGUE = """
import pyarrow as pa
from lake.schema import KEY, ORDINAL, Field, Table

def badges(document, report):
    for name in document["badges"]:
        yield {"trainer": document["id"], "badge": name.upper()}

TABLES = (
    Table(
        "trainers", "one row per trainer", ("trainer",), ("trainer",),
        (
            Field("trainer", pa.string(), "Who.", KEY),
            Field("age_years", pa.int16(), "Age.", "about.age", unit="year", nullable=True),
        ),
    ),
    Table(
        "team", "one row per member", ("trainer",), ("trainer", "ordinal"),
        (
            Field("trainer", pa.string(), "Whose.", KEY),
            Field("ordinal", pa.int32(), "Place.", ORDINAL),
            Field("pokemon", pa.string(), "Which.", "team[].pokemon", nullable=True),
        ),
        rows="team[]",
    ),
    Table(
        "badges", "one row per badge", ("trainer",), ("trainer", "badge"),
        (Field("trainer", pa.string(), "Whose.", "id"), Field("badge", pa.string(), "Which.", "badges")),
        fill=badges,
    ),
)
"""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    forget_installed()
    yield
    forget_installed()


def test_its_tables_land_and_the_others_are_inferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store):
    install(tmp_path, monkeypatch, "league", LEAGUE, TABLE_ENTRY_POINTS)
    league = Lakeside(store, Source("https://league.test/v1/", "league"))
    commit = league.fill(
        {
            "trainer/1": b'{"id":"ash","about":{"age":10},"team":[{"pokemon":"pikachu"},{}],"badges":["a"]}',
            "trainer/2": b'{"id":"gary","about":{"age":40000},"team":[],"badges":["b","a"]}',
        }
    )
    assert commit.tables.keys() == {"documents", "document_index", "trainers", "team", "badges"}
    lake = league.lake
    assert lake.read("trainers").to_dict("list") == {"trainer": ["1", "2"], "age_years": [10, None]}
    assert lake.read("team")["pokemon"].dropna().tolist() == ["pikachu"]
    assert lake.read("team")["ordinal"].tolist() == [1, 2]
    assert lake.read("badges").values.tolist() == [["ash", "A"], ["gary", "A"], ["gary", "B"]]
    assert lake.columns("trainers")["unit"].tolist()[1] == "year"
    assert ("drift", "trainer") in {(entry["rule"], entry["subject"]) for entry in commit.audits}


def test_its_code_is_part_of_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert fingerprint("league") == fingerprint()
    install(tmp_path, monkeypatch, "league", LEAGUE, TABLE_ENTRY_POINTS)
    fingerprint.cache_clear()
    assert fingerprint("league") != fingerprint() != fingerprint("pokeapi", b"settings")


def test_a_kind_without_a_crawler_of_its_own_is_read_as_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, monkeypatch, "league", LEAGUE, TABLE_ENTRY_POINTS)
    assert crawler("league") is rest


def test_what_is_no_table_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, monkeypatch, "league", "TABLES = ['trainers']", TABLE_ENTRY_POINTS)
    with pytest.raises(LakeError, match=r"entry point 'league' .* expected a module with TABLES"):
        catalog_of("league")
