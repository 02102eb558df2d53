"""What is asked of a lake in each environment of readers; loads nothing but `lake` and what reading needs."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pandas as pd

from lake import Lake


def _first(lake: Lake) -> str:
    return str(lake.snapshots()["snapshot"].iloc[-1])


def _connected(lake: Lake) -> pd.DataFrame:
    with lake.connect() as connection:
        return connection.sql("SELECT count(*) AS n, sum(total) AS points FROM pokemon_wide").df()


def _sql(query: str) -> Callable[[Lake], pd.DataFrame]:
    return lambda lake: lake.sql(query)


QUESTIONS: dict[str, Callable[[Lake], Any]] = {
    "tables": lambda lake: lake.tables(),
    "columns": lambda lake: lake.columns("pokemon"),
    "audits": lambda lake: lake.audits(),
    "snapshots": lambda lake: lake.snapshots(),
    "whole": lambda lake: lake.read("pokemon"),
    "filtered": lambda lake: lake.read("moves", filters=[("generation_id", "in", [1, 2]), ("power", ">", 60)]),
    "partition": lambda lake: lake.read("pokemon", filters=[("generation", "==", 1)], columns=["name", "generation"]),
    "documents": lambda lake: lake.read("documents", filters=[("resource", "==", "berry")], columns=["id", "path"]),
    "earlier": lambda lake: lake.read("pokemon", as_of=_first(lake)),
    "dataset": lambda lake: lake.dataset("pokemon_stats").to_table().to_pandas(),
    "plain": lambda lake: pd.read_parquet(lake.path("pokemon_stats")),
    "sql": _sql("SELECT generation, avg(weight_hg) AS mean FROM pokemon GROUP BY 1 ORDER BY 1"),
    "sum": _sql("SELECT sum(base_stat), max(name) FROM pokemon_stats JOIN pokemon USING (pokemon_id)"),
    "pivot": _sql("PIVOT pokemon_stats ON stat_id IN (1, 6) USING max(base_stat) GROUP BY pokemon_id ORDER BY 1"),
    "view": lambda lake: lake.read("type_chart", filters=[("generation", "==", 1)]),
    "connection": _connected,
    "diff": lambda lake: lake.diff("pokemon", _first(lake)),
    "document": lambda lake: lake.document("pokemon", 25).decode(),
}


def answers(lake: Lake) -> dict[str, Any]:
    """Return what the lake says to every question, as JSON's values: of a frame its types and its rows."""
    return {name: _plain(ask(lake)) for name, ask in QUESTIONS.items()}


def _plain(said: Any) -> Any:
    if not isinstance(said, pd.DataFrame):
        return said
    # pandas 3 has a type for text; before, text is an object.
    types = {str(name): {"str": "object"}.get(str(kind), str(kind)) for name, kind in said.dtypes.items()}
    rows = [[_value(value) for value in row] for row in said.itertuples(index=False, name=None)]
    return {"types": types, "rows": rows}


def _value(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)


if __name__ == "__main__":
    json.dump(answers(Lake(sys.argv[1])), sys.stdout)
