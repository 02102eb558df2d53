"""Ready views, over the demo's lake."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from lake.errors import LakeError, UnknownNameError
from lake.read import Lake
from lake.read.frames import frame_of
from lake.tables import TABLES
from lake.traffic import requests_to_s3
from lake.views import VIEWS
from tests.lake.views import KNOWN, TYPES


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_its_declaration_says(demo: Lake, name: str):
    view = VIEWS[name]
    rows = demo.read(name)
    assert rows.columns.tolist() == view.schema.names
    assert rows.dtypes.equals(frame_of(view.schema.empty_table()).dtypes)
    assert len(rows) > 0
    assert not rows.duplicated(list(view.table.primary_key)).any()
    assert [field.name for field in view.table.fields if not field.nullable and rows[field.name].isna().any()] == []
    assert rows.equals(rows.sort_values(list(view.table.primary_key)).reset_index(drop=True))
    assert len(demo.sql(f"FROM {name}")) == len(rows)
    assert demo.sql(f"FROM {name}").dtypes.equals(rows.dtypes)


def test_views_need_tables_that_there_are_and_have_names_of_their_own():
    tables = {table.name for table in TABLES}
    assert {need for view in VIEWS.values() for need in view.needs} <= tables
    assert VIEWS.keys() & tables == set()


def test_views_are_listed_and_described_as_such(demo: Lake):
    listed = demo.tables().set_index("table")
    assert set(listed.index[listed["kind"] == "view"]) == VIEWS.keys()
    assert listed.loc["pokemon", "kind"] == "table"
    assert listed.loc["pokemon_wide", "rows"] is not None
    columns = demo.columns("pokemon_wide").set_index("name")
    assert columns.loc["weight_kg", "unit"] == "kilogram"
    assert "10000" in columns.loc["weight_kg", "null_means"]
    assert columns.loc["pokemon_id", "is_key"]
    assert demo.columns("pokemon_wide").attrs["source"].startswith("a view of pokemon, ")
    assert columns["description"].notna().all()


def test_one_row_has_all_that_a_comparison_takes(demo: Lake):
    rows = demo.read("pokemon_wide").set_index("name")
    assert rows.loc["charizard", "type_1":"total"].tolist() == ["fire", "flying", 78, 84, 78, 109, 85, 100, 534]  # type: ignore[misc]
    assert rows.loc["charizard", ["ability_1", "hidden_ability"]].tolist() == ["blaze", "solar-power"]
    assert rows.loc["charizard", ["height_m", "weight_kg"]].tolist() == [1.7, 90.5]
    assert rows.index[rows["is_mega"]].tolist() == ["charizard-mega-x"]
    assert rows.index[rows["is_gigantamax"]].tolist() == ["charizard-gmax"]
    assert rows.index[rows["weight_kg"].isna()].tolist() == ["charizard-gmax"]
    assert set(rows.index[rows["is_mythical"]]) == {"mew"}
    assert rows.loc[["raichu", "raichu-alola"], "is_default"].tolist() == [True, False]


def test_filters_and_columns_are_those_of_a_table(demo: Lake):
    filters: Any = [("generation", "==", 1), ("speed", ">", 120), ("is_mega", "==", False)]
    assert demo.read("pokemon_wide", filters, ["name", "speed"]).to_dict("list") == {
        "name": ["jolteon", "mewtwo"],
        "speed": [130, 130],
    }
    assert demo.read("pokemon_wide", [("speed", "in", []), ("name", "==", "mew")]).empty
    assert demo.read("pokemon_wide", [("generation", "in", np.array([8, 9])), ("is_baby", "==", np.True_)]).empty
    either: Any = [[("name", "==", "mew")], [("name", "in", ["pikachu", "raichu"]), ("type_2", "not in", ["fire"])]]
    assert demo.read("pokemon_wide", either, ["name"])["name"].tolist() == ["pikachu", "raichu", "mew"]
    with pytest.raises(UnknownNameError, match="no column of pokemon_wide 'strength'"):
        demo.read("pokemon_wide", columns=["strength"])
    with pytest.raises(UnknownNameError, match="no column of pokemon_wide 'strength'"):
        demo.read("pokemon_wide", [("strength", "==", 1)])
    with pytest.raises(LakeError, match="speed is int32"):
        demo.read("pokemon_wide", [("speed", "==", "fast")])


def test_the_chart_has_as_many_cells_as_battles_have_pairs_of_types(demo: Lake):
    chart = demo.read("type_chart")
    assert chart.groupby("generation").size().to_dict() == {generation: n * n for generation, n in TYPES.items()}
    cells = chart.set_index(["generation", "attacking_type", "defending_type"])["damage_percent"]
    for generation, known in KNOWN.items():
        assert {pair: cells[generation, *pair] for pair in known} == known, generation


def test_a_pair_of_types_has_one_row_for_any_generation(demo: Lake):
    """Of today's, and of the past those six pairs that have changed."""
    spans = demo.read("type_matchups")
    assert len(spans) == 18**2 + 6
    expanded = demo.sql(
        "SELECT count(*) AS n FROM type_matchups m JOIN type_chart c USING (attacking_type_id, defending_type_id)"
        " WHERE c.generation BETWEEN m.from_generation AND coalesce(m.until_generation, 9)"
        " AND c.damage_percent = m.damage_percent"
    )
    assert expanded["n"].tolist() == [len(demo.read("type_chart"))]


def test_learnsets_tell_levels_from_what_is_none(demo: Lake):
    rows = demo.read("learnsets", [("pokemon", "==", "raichu-alola"), ("games", "==", "sun-moon")])
    assert rows.loc[rows["method"] != "level-up", "level"].isna().all()
    assert rows.loc[rows["is_on_evolution"], ["move", "level"]].fillna(-1).to_numpy().tolist() == [["psychic", -1]]
    assert demo.read("pokemon_moves", [("level_learned_at", "==", 0)])["pokemon_id"].nunique() > 10
    assert demo.read("learnsets")["level"].min() == 1


def test_prices_say_what_the_source_lacks(demo: Lake):
    rows = demo.read("item_price_list")
    assert rows["item"].nunique() == demo.read("items")["name"].nunique()
    assert rows.loc[rows["purchase_price"].isna(), "remark"].notna().all()


def test_a_view_has_no_files(demo: Lake):
    for ask in (demo.path, demo.dataset):
        with pytest.raises(LakeError, match=r"pokemon_wide is a view.*no files: `read`, `sql`, `connect`"):
            ask("pokemon_wide")


def test_views_are_taken_home_with_what_they_are_made_of(demo: Lake, tmp_path: Path):
    path = demo.export(tmp_path / "types.duckdb", tables=["type_chart"])
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM type_chart").fetchall() == [(len(demo.read("type_chart")),)]
        names = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        assert [name for (name,) in names] == ["_snapshot", "generations", "type_effectiveness", "types"]
        said = "SELECT comment FROM duckdb_columns() WHERE table_name = 'type_chart' AND column_name = 'damage_percent'"
        assert connection.execute(said).fetchall() == [("Damage dealt: 0, 50, 100 or 200. Unit: percent.",)]
    folder = demo.export(tmp_path / "types", tables=["type_chart"])
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "type_chart.parquet"), demo.read("type_chart"), check_dtype=False
    )
    assert "| type_chart | view | one row per generation and pair" in (folder / "README.md").read_text()


def test_a_filter_on_the_generation_spares_the_files_of_others(demo: Lake):
    def requests(ask: Callable[[], Any]) -> int:
        before = requests_to_s3()
        ask()
        return (requests_to_s3() - before).total()

    whole = requests(lambda: demo.read("pokemon_wide"))
    for filters in ([("generation", "==", 1)], [("generation", "==", "1")]):
        assert requests(lambda filters=filters: demo.read("pokemon_wide", filters)) < whole / 2
    assert requests(lambda: demo.sql("SELECT name FROM pokemon_wide WHERE generation = 1")) < whole / 2
