"""What a source's settings say of tables: kept in commits without what they leave open, and read back the same."""

import pytest
from pydantic import ValidationError

from blocks.source_config import SourceConfig
from lake.crawl import Source
from lake.errors import SourceError
from lake.table_settings import ColumnSettings, TableSettings, read_said, said_of

SAID = (
    ("shop", TableSettings(name="shops", omit=("keys",), columns=(("n", ColumnSettings(type="int64", unit="m")),))),
    ("shop.goods[]", TableSettings()),
)


def test_a_commit_keeps_what_is_said_and_the_block_all():
    said = said_of(SAID)
    assert said == {
        "shop": {"name": "shops", "omit": ["keys"], "columns": {"n": {"type": "int64", "unit": "m"}}},
        "shop.goods[]": {},
    }
    assert read_said(said) == dict(SAID)
    source = Source(kind="rest", tables=SAID)
    assert source.declared == {"tables": said}
    assert SourceConfig.of(source).source() == source


def test_what_cannot_be_is_refused_with_the_setting():
    for place, table in {
        "tables.ship.name: expected at most 63 ": {"name": "Ship"},
        "tables.ship.columns.at.town.name: expected at most 63 ": {"columns": {"at.town": {"name": "Bad Name!"}}},
    }.items():
        with pytest.raises(ValidationError, match=f"{place}.*, found '(Ship|Bad Name!)'"):
            SourceConfig(kind="rest", tables={"ship": table})
    wrong = TableSettings(columns=(("at.town", ColumnSettings(type="integer")),))  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=r"^tables.ship.columns.at.town.type: expected boolean, .*'integer'"):
        Source(kind="rest", tables=(("ship", wrong),))
