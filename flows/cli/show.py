"""The output of commands: tables for people, JSON for programs."""

import json
import re
import sys
from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lake.read.filters import OPERATORS

_FILTER = re.compile(r"\s*(?P<column>\w+)\b\s*(?P<operator>[=!<>]++|not\s+in\b|in\b)\s*(?P<value>\S.*)", re.DOTALL)


def show(rows: pd.DataFrame, as_json: bool) -> None:
    """Print rows to standard output, as a table or as a JSON array of objects."""
    if as_json:
        print(rows.to_json(orient="records", date_format="iso", force_ascii=False))
        return
    console = _console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in rows.columns:
        numeric = pd.api.types.is_numeric_dtype(rows[name]) and not pd.api.types.is_bool_dtype(rows[name])
        table.add_column(str(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows.itertuples(index=False):
        table.add_row(*(_text(name, value) for name, value in zip(rows.columns, row, strict=True)))
    console.print(table)


def show_columns(columns: pd.DataFrame, as_json: bool) -> None:
    """Print the facts of a table and below them its columns, or one JSON object of both.

    A terminal shows one cell of sentences for each column, because half a dozen cells side by side need 160
    characters; a pipe gets one line for each column, with a cell for each fact.
    """
    if as_json:
        said = json.loads(columns.to_json(orient="records"))
        print(json.dumps({**columns.attrs, "columns": said}, ensure_ascii=False))
        return
    console = _console()
    heading = Table.grid(padding=(0, 2))
    for name, fact in columns.attrs.items():
        if fact is not None:
            heading.add_row(str(name).replace("_", " "), ", ".join(fact) if isinstance(fact, list) else fact)
    console.print(heading)
    if not console.is_terminal:
        show(columns, as_json)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", overflow="fold", no_wrap=True)
    table.add_column("type", overflow="fold")
    table.add_column("meaning", overflow="fold")
    for column in columns.to_dict("records"):
        table.add_row(column["name"], column["type"], "\n".join(_meaning(column)))
    console.print(table)


def _meaning(column: dict[Hashable, Any]) -> Iterator[str]:
    """Yield the lines that describe a column to a person."""
    if not pd.isna(column["description"]):
        yield column["description"]
    for name, fact in (("unit", "unit"), ("null", "null_means"), ("references", "references")):
        if not pd.isna(column[fact]):
            yield f"{name}: {column[fact]}"


def _console() -> Console:
    """Return standard output, as wide as the terminal; in a pipe, no line is cut off.

    Markup is off, because Rich would swallow ``[ms, tz=UTC]`` in a value.
    """
    plain = partial(Console, markup=False, emoji=False, highlight=False)
    console = plain()
    return console if console.is_terminal else plain(width=10_000)


def show_first(limit: int, rows: pd.DataFrame, as_json: bool) -> None:
    """Print the first `limit` rows (0: all), and say on standard error how many there are."""
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
    """Read a filter as a person writes it; a value that is not JSON is plain text.

    >>> parse_filter("generation == 1")
    ('generation', '==', 1)

    Raises:
        ValueError: It is not a column, an operator that exists, and a value.
    """
    found = _FILTER.fullmatch(text)
    operator = " ".join(found["operator"].split()) if found else ""
    if found is None or operator not in OPERATORS:
        raise ValueError(
            f"expected a filter like 'generation == 1', with one of {', '.join(OPERATORS)}; found {text!r}"
        )
    try:
        value = json.loads(found["value"])
    except ValueError:
        value = found["value"]
    return found["column"], operator, value
