"""A source as Python: whoever pastes it saves the same source."""

from typing import Any

import pytest

from blocks.source_config import SourceConfig
from flows.cli.block_text import block_text
from lake.source import Rest, Source
from lake.table_settings import ColumnSettings, TableSettings

TRAINERS = TableSettings(omit=("token", "of.key"), columns=(("fee", ColumnSettings(type="double", unit="P¥")),))

SOURCES = (
    Source(),
    Source("https://trainers.test/v1/", resources=("gym", "trainer"), user_agent='a "lake"\\n', listing_ttl_seconds=0),
    Source(
        "https://trainers.test/v1/",
        "rest",
        rest=Rest((("gym", "gyms?sort=é"), ("trainer", "trainers")), "", paging="page", first_page=0),
        tables=(("trainer", TRAINERS), ("trainer.team[]", TableSettings(grain="one Pokémon of a trainer"))),
        requests_per_second=0.5,
        api_key_block="league-key",
    ),
    Source("https://trainers.test/v1/", "rest", rest=Rest((("trainer", "trainers"),))),
)


@pytest.mark.parametrize("source", SOURCES, ids=range(len(SOURCES)))
def test_the_block_that_is_pasted_holds_the_same_settings(source: Source, monkeypatch: pytest.MonkeyPatch):
    saved = dict[str, Source]()
    monkeypatch.setattr(SourceConfig, "save", lambda block, name: saved.update({name: block.source()}))
    text = block_text(source, "league")
    exec(text, {})
    assert saved == {"league": source}
    assert max(map(len, text.splitlines())) <= 120


def test_a_key_is_read_from_the_environment_and_never_written():
    text = block_text(Source(), "league", "LEAGUE_KEY")
    assert 'Secret(value=os.environ["LEAGUE_KEY"]).save("league-key")' in text
    assert '    api_key_block="league-key",\n).save("league")' in text


def test_a_mapping_stands_in_one_line_where_it_has_room():
    def lines(**rest: Any) -> list[str]:
        text = block_text(Source("https://trainers.test/", "rest", rest=Rest((("gym", "gyms"),), **rest)), "gym")
        return [line for line in text.splitlines() if "gyms" in line or "rest=" in line]

    assert lines() == ['    rest={"collections": {"gym": "gyms"}},']
    assert lines(results_path="data.of.all.the.gyms.that.there.are") == [
        "    rest={",
        '        "collections": {"gym": "gyms"},',
        '        "results_path": "data.of.all.the.gyms.that.there.are",',
    ]
