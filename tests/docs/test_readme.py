"""The README's Python, line by line, on a lake."""

import ast
from textwrap import indent
from typing import Any

import pandas as pd

from flows.local.demo import CHANGES, QUERY
from lake.store import Store
from tests.docs import code_blocks
from tests.docs.small_lake import POWERS, publish_small_lake
from tests.lake.read import FIRST, SECOND


def test_its_lines_read_a_lake(bucket: str):
    store = Store("bucket", "prefix")
    store.create_bucket()
    publish_small_lake(store)
    [block] = code_blocks("README.md", "python", "I only want to read")
    shown = answers(block)
    assert shown["lake.snapshots()"]["snapshot"].to_list() == [SECOND, FIRST]
    assert {"documents", "moves", "pokemon", "pokemon_stats"} <= set(shown["lake.tables()"]["table"])
    assert "height_dm" in shown["lake.columns('pokemon')"].to_string()
    [selected] = [answer for line, answer in shown.items() if "columns=" in line]
    assert selected.to_dict("records") == [{"name": "pikachu", "height_dm": 4}]
    [speed] = [answer for line, answer in shown.items() if line.startswith("lake.sql")]
    assert speed.to_dict("records") == [{"name": "pikachu", "base_stat": 90}]
    counts, changed = [answer for line, answer in shown.items() if line.startswith("lake.diff")]
    assert counts.set_index("table").loc["moves"].to_list() == [0, 0, 1]
    [documents] = [answer for line, answer in shown.items() if line.startswith("lake.changes")]
    assert list(documents)[:3] == ["kind", "resource", "id"]
    assert changed[["power_before", "power"]].to_numpy().tolist() == [list(POWERS.values())]
    [moves] = [answer for line, answer in shown.items() if line.startswith("pd.read_parquet")]
    assert len(moves) == shown["lake.dataset('pokemon_moves')"].count_rows() > 0
    [pikachu] = [answer for line, answer in shown.items() if line.startswith("lake.document")]
    assert b'"pikachu"' in pikachu


def answers(block: str) -> dict[str, Any]:
    """Run the lines one by one, and return what each expression among them gave."""
    names: dict[str, Any] = {"pd": pd}
    shown = {}
    for statement in ast.parse(block).body:
        line = ast.unparse(statement)
        if isinstance(statement, ast.Expr):
            shown[line] = eval(line, names)
        else:
            exec(line, names)
    return shown


def test_what_the_demo_asks_is_shown_as_it_asks_it():
    [shown] = code_blocks("README.md", "text", "Try it")
    for query in (QUERY, CHANGES):
        assert indent(query, "   ") in shown
