"""Lakes that lack what a ready view needs, or have something of its name."""

from dataclasses import replace

import pytest

from lake.errors import LakeError, UnknownNameError
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, document, moves, publish


def test_without_one_of_its_tables_a_view_says_which(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))], [document("pokemon", 25, "{}")])
    lake = Lake(store)
    assert lake.tables()["table"].tolist() == ["documents", "moves"]
    said = f"type_chart is a view, and snapshot {FIRST} lacks the tables types, generations, type_effectiveness for it"
    for ask in (lake.read, lake.columns, lake.path, lambda name: lake.sql(f"FROM {name}")):
        with pytest.raises(LakeError, match=said):
            ask("type_chart")
    with pytest.raises(UnknownNameError, match="no table 'charts'; there are: documents, moves"):
        lake.read("charts")


def test_a_table_of_that_name_is_no_view(store: Store):
    """A source of another kind may have one."""
    table, rows = moves((1, 1, 40))
    publish(store, FIRST, [(replace(table, name="learnsets"), rows)])
    lake = Lake(store)
    assert lake.read("learnsets")["move_id"].tolist() == lake.sql("FROM learnsets")["move_id"].tolist() == [1]
    assert lake.tables().set_index("table").loc["learnsets", "kind"] == "table"
