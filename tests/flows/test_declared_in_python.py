"""Tables of a source that is not PokeAPI, declared by another package, as this one declares PokeAPI's."""

from dataclasses import replace
from pathlib import Path

import pytest
from prefect.blocks.system import Secret

from blocks.source_config import SourceConfig
from blocks.storage import save_block
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.read import Lake
from lake.store import Store
from tests.flows.lakeside import current
from tests.lake.crawl import install
from tests.lake.tables import forget_installed
from tests.second_source import KEY, second_source, settings, trainers

LEAGUE, RANKED = LakeLocation(bucket="lake", prefix="ranked"), SourceChoice(block="ranked")

TABLES = """
import pyarrow as pa
from lake.schema import KEY, ORDINAL, Field, Table

WHO = Field("trainer", pa.string(), "Who.", KEY)
TABLES = (
    Table(
        "trainers", "one row per trainer", ("trainer",), ("trainer",),
        (WHO, Field("badges", pa.int16(), "Badges won.", "badges", nullable=True)),
    ),
    Table(
        "team_members", "one row per member of a team", ("trainer",), ("trainer", "ordinal"),
        (
            WHO,
            Field("ordinal", pa.int32(), "Place.", ORDINAL),
            Field("level", pa.int16(), "Level.", "team[].level", nullable=True),
        ),
        rows="team[]",
    ),
)
"""


@pytest.mark.usefixtures("prefect_server")
def test_a_package_can_declare_its_tables_in_python(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a crawler of its own, it is read as a source of kind `rest` is; types and names are the package's."""
    forget_installed()
    install(tmp_path, monkeypatch, "ranked", TABLES, "pokelake.tables")
    league = Store(bucket, LEAGUE.prefix)
    with second_source() as address:
        save_block(Secret(value=KEY), "ranked-key")
        source = replace(settings(address, api_key_block="ranked-key"), kind="ranked")
        save_block(SourceConfig.of(source), "ranked")
        assert refresh(LEAGUE, RANKED, return_state=True).name == "Completed"
        assert spoken(refresh(LEAGUE, RANKED, return_state=True))[0] == "Unchanged"
    assert current(league).tables.keys() == {"documents", "document_index", "trainers", "team_members"}
    found = Lake(league).read("trainers")
    assert found.set_index("trainer")["badges"].to_dict() == {id_: one["badges"] for id_, one in trainers().items()}
    assert found["badges"].dtype == "Int16"
    assert sorted(Lake(league).read("team_members")["level"].dropna()) == [10, 21, 25]
