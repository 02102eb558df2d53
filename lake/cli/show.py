"""The output of commands: tables for people, JSON for programs."""

import json
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import Any, Literal

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from lake.cli.say import remark, say, say_json
from lake.read.filters import OPERATORS
from lake.text import shown

# Blanks between two columns.
_GAP = 2

# Longer cells may be folded between their words, to leave room for other columns; names and ids have no such place.
_FOLDED = 30

# Characters of a cell; of a longer value its beginning is shown, and its length. JSON has all of it.
_CELL = 10_000

_FILTER = re.compile(r"\s*(?P<column>\w+)\b\s*(?P<operator>[=!<>]++|not\s+in\b|in\b)\s*(?P<value>\S.*)", re.DOTALL)


def show(rows: pd.DataFrame, as_json: bool, nothing: str = "no rows", more: str = "--json prints all") -> None:
    """Print rows to standard output, as a table or as a JSON array of objects; without rows, print `nothing`.

    A terminal shows as many whole columns as fit; standard error names the others, and says how to get `more`.
    """
    if as_json:
        say_json(rows.to_json(orient="records", date_format="iso", force_ascii=False))
        return
    if rows.empty:
        say(nothing)
        return
    columns = [_Column.of(rows.iloc[:, place]) for place in range(rows.shape[1])]
    console = _console()
    widths = _fitting(columns, console.width) if console.is_terminal else {column: column.full for column in columns}
    table = _table()
    for column, width in widths.items():
        table.add_column(column.name, justify=column.justify, overflow="fold", width=width)
    for row in zip(*(column.cells for column in widths), strict=True):
        table.add_row(*row)
    _print(console if console.is_terminal else _console(sum(widths.values()) + _GAP * len(widths)), table)
    if left := [column.name for column in columns if column not in widths]:
        said = f"{len(widths)} of {len(columns)} columns fit, without {', '.join(left)}; {more}"
        remark(fill(said, console.width, break_long_words=False, break_on_hyphens=False))


@dataclass(frozen=True, eq=False, slots=True)
class _Column:
    """One column as text: `full` is its width, and `least` its width once long sentences in it are folded."""

    name: str
    cells: tuple[str, ...]
    justify: Literal["left", "right"]
    full: int
    least: int

    @classmethod
    def of(cls, values: "pd.Series[Any]") -> "_Column":
        name = _line(values.name)
        cells = tuple(_text(name, value) for value in values)
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        full = max(map(cell_len, (name, *cells)))
        word = max((cell_len(word) for cell in (name, *cells) for word in cell.split()), default=0)
        return cls(name, cells, "right" if numeric else "left", full, min(full, max(word, _FOLDED)))


def _fitting(columns: Sequence[_Column], room: int) -> dict[_Column, int]:
    """Return the columns that fit side by side, with their widths; only the first may be too narrow for its words."""
    widths: dict[_Column, int] = {}
    for column in columns:
        if column.least <= room or not widths:
            widths[column] = min(column.least, room)
            room -= widths[column] + _GAP
    room += _GAP
    for column, least in widths.items():
        widths[column] = min(column.full, least + room)
        room -= widths[column] - least
    return widths


def show_columns(columns: pd.DataFrame, as_json: bool) -> None:
    """Print the facts of a table and below them its columns, or one JSON object of both.

    A terminal shows one cell of sentences for each column, because half a dozen cells side by side need 160
    characters; a pipe gets one line for each column, with a cell for each fact.
    """
    if as_json:
        said = json.loads(columns.to_json(orient="records"))
        say_json(json.dumps({**columns.attrs, "columns": said}, ensure_ascii=False))
        return
    console = _console()
    heading = Table.grid(padding=(0, 2))
    for name, fact in columns.attrs.items():
        if fact is not None:
            said = map(_line, fact) if isinstance(fact, list) else [_line(fact)]
            heading.add_row(str(name).replace("_", " "), ", ".join(said))
    _print(console, heading)
    if not console.is_terminal:
        show(columns, as_json)
        return
    table = _table()
    table.add_column("name", overflow="fold", no_wrap=True)
    table.add_column("type", overflow="fold")
    table.add_column("meaning", overflow="fold")
    for column in columns.to_dict("records"):
        table.add_row(_line(column["name"]), _line(column["type"]), "\n".join(map(_line, _meaning(column))))
    _print(console, table)


def _meaning(column: dict[Hashable, Any]) -> Iterator[str]:
    """Yield the lines that describe a column to a person."""
    if not pd.isna(column["description"]):
        yield column["description"]
    for name, fact in (("unit", "unit"), ("null", "null_means"), ("references", "references")):
        if not pd.isna(column[fact]):
            yield f"{name}: {column[fact]}"


def _console(width: int = 10_000) -> Console:
    """Return standard output, as wide as the terminal; in a pipe, as wide as is asked for.

    Markup is off, because Rich would swallow ``[ms, tz=UTC]`` in a value.
    """
    plain = partial(Console, markup=False, emoji=False, highlight=False)
    console = plain()
    return console if console.is_terminal else plain(width=width)


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))


def _print(console: Console, table: Table) -> None:
    """Print a table without the blanks with which Rich fills its lines."""
    with console.capture() as captured:
        console.print(table)
    # What Rich was given is printable, and it adds the colours of a terminal.
    print("\n".join(line.rstrip() for line in captured.get().split("\n")), end="", flush=True)


def show_first(
    limit: int, rows: pd.DataFrame, as_json: bool, nothing: str = "no rows", more: str = "--json prints all"
) -> None:
    """Print the first `limit` rows (0: all) as `show` does, and say on standard error how many there are."""
    show(rows.head(limit) if limit else rows, as_json, nothing, more)
    if limit and limit < len(rows):
        remark(f"{limit} of {len(rows):,} rows; --limit 0 prints all")


def _text(column: str, value: Any) -> str:
    if isinstance(value, (list, tuple, dict)):
        return _line(_nested(value))
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "-"
    if isinstance(value, int) and not isinstance(value, bool) and not column.endswith("id"):
        return f"{value:,}"
    return _line(value)


def _nested(value: Any) -> str:
    """Return a list, a struct or a map as a person writes it: texts without quotes, and no names of Python's types."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_nested(name)}: {_nested(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_nested, value)) + "]"
    return "null" if value is None else str(value)


def _line(value: Any) -> str:
    return shown(str(value), _CELL)


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
