"""The page of a snapshot's tables: what its own files say of them, as Markdown in which anything may be written."""

import re
from dataclasses import replace

import pyarrow as pa
import pytest

from lake.errors import LakeError
from lake.layout import file_key
from lake.read import Lake
from lake.schema import Field
from lake.store import Store
from lake.tables import TABLES
from lake.views import VIEWS
from tests.lake.read import FIRST, LEARNT, SECOND, learnt, moves, publish


def section(page: str, table: str) -> str:
    return page.split(f"\n## {table}\n")[1].split("\n## ")[0]


def cells(page: str, table: str) -> list[list[str]]:
    """Return the cells of the rows that a page has about the columns of a table."""
    lines = [line for line in section(page, table).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_table_and_column_of_a_snapshot_is_on_its_page(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))])
    publish(store, SECOND, [moves((1, 1, 40), (2, 2, None)), learnt(("pikachu", 1, None, True))])
    page = Lake(store).docs()
    assert page.startswith(f"# Tables of {store.uri()}\n\nSnapshot {SECOND}, ")
    assert "\n- [moves](#moves): one row per move\n" in page
    assert section(page, "moves").startswith(
        "\n- Grain: one row per move\n- Key: `move_id`\n- Partition: `generation`\n- Source: `move/{id}`\n- Rows: 2\n"
    )
    assert cells(page, "moves")[:5] == [
        ["column", "type", "meaning", "null", "stand-ins"],
        ["---"] * 5,
        ["`move_id`", "`int32`", "The move.", "", ""],
        ["`generation_id`", "`int16`", "Its generation. 0: unknown.", "", ""],
        ["`power`", "`int32`", "Power.", "none", ""],
    ]
    assert cells(page, "learnt")[0] == ["column", "type", "meaning", "null"]
    assert "\n## learnt\n" not in Lake(store).docs(FIRST)


def test_ready_views_are_on_it_too(store: Store):
    view = VIEWS["type_chart"]
    publish(store, FIRST, [(table, table.schema.empty_table()) for table in TABLES if table.name in view.needs])
    page = Lake(store).docs()
    assert "- A ready view, made when somebody asks: it has no files\n" in section(page, view.name)
    assert [row[0] for row in cells(page, view.name)[2:]] == [f"`{name}`" for name in view.schema.names]


def test_odd_text_stays_in_its_cell(store: Store):
    """Names and meanings come from documents and from people."""
    odd = Field("method", pa.string(), "a|b\n## c <script> \u202e", nullable=True, path="quo`te|x")
    publish(store, FIRST, [learnt(table=replace(LEARNT, grain="one | two\n# three", fields=(*LEARNT.fields[:2], odd)))])
    page = Lake(store).docs()
    [row] = [row for row in cells(page, "learnt") if row[0] == "`method`"]
    assert row == ["`method`", "`string`", r"a\|b\n## c &lt;script&gt; \u202e", r"``quo`te\|x``"]
    assert len([line for line in page.splitlines() if line.startswith("#")]) == 1 + len(Lake(store).commit().tables)


def test_a_file_that_is_gone_is_named(store: Store):
    commit = publish(store, FIRST, [learnt()])
    store.delete([file_key(FIRST, "learnt", commit.tables["learnt"].files[0].name)])
    with pytest.raises(LakeError, match=r"learnt/part-0\.parquet"):
        Lake(store).docs()
