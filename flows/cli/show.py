"""What commands print: tables for people, JSON for programs."""

import json
import sys
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def show(rows: pd.DataFrame, as_json: bool) -> None:
    """Print rows to standard output, as a table or as a JSON array of objects."""
    if as_json:
        print(rows.to_json(orient="records", date_format="iso", force_ascii=False))
        return
    console = Console()
    if not console.is_terminal:
        # Nothing is cut off in a pipe.
        console = Console(width=10_000)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in rows.columns:
        numeric = pd.api.types.is_numeric_dtype(rows[name]) and not pd.api.types.is_bool_dtype(rows[name])
        table.add_column(str(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows.itertuples(index=False):
        table.add_row(*(_text(name, value) for name, value in zip(rows.columns, row, strict=True)))
    console.print(table)


def show_first(limit: int, rows: pd.DataFrame, as_json: bool) -> None:
    """Print the first rows, 0 for all, and say on standard error of how many."""
    show(rows.head(limit) if limit else rows, as_json)
    if limit and limit < len(rows):
        print(f"{limit} of {len(rows):,} rows; --limit 0 prints all", file=sys.stderr)


def _text(column: str, value: Any) -> str:
    if pd.isna(value):
        return "-"
    if isinstance(value, int) and not isinstance(value, bool) and not column.endswith("id"):
        return f"{value:,}"
    return str(value)


def parse_filter(text: str) -> tuple[str, str, Any]:
    """Read a filter as a person writes it; the value is JSON, or else plain text.

    >>> parse_filter("generation == 1")
    ('generation', '==', 1)

    Raises:
        ValueError: It is not ``column operator value``.
    """
    parts = text.split(maxsplit=2)
    if len(parts) != 3 or parts[1] not in {"==", "=", "!=", "<", "<=", ">", ">=", "in", "not"}:
        raise ValueError(f"expected a filter like 'generation == 1', found {text!r}")
    try:
        value = json.loads(parts[2])
    except ValueError:
        value = parts[2]
    return parts[0], parts[1], value
