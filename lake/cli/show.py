"""The output of commands: tables for people on a terminal, lines of cells in a pipe, JSON and CSV for programs."""

import ast
import json
import os
import re
import shutil
import sys
from collections.abc import Collection, Hashable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lake.cli.grid import Column, drawn, fitting, record, wrapped
from lake.cli.say import can_print, emit, remark, say, say_csv, say_json
from lake.cli.values import Rows, batches, csv_rows, first, json_rows, names_of, tab_rows, text_of
from lake.read.filters import OPERATORS
from lake.text import shown

# Characters of a cell on a terminal; of a longer value its beginning is shown, and its length.
_CELL = 1_000

_FILTER = re.compile(r"\s*(?P<column>\w+)\b\s*(?P<operator>[=!<>]++|not\s+in\b|in\b)\s*(?P<value>\S.*)", re.DOTALL)

# A text as SQL has it, in which a quote stands twice.
_SQLS_TEXT = re.compile(r"'((?:[^'\\]|'')*)'")

# What Python and SQL call them.
_PYTHONS = {"True": True, "False": False, "TRUE": True, "FALSE": False, "NULL": "null", "None": "null"}


def show(
    rows: Rows,
    as_json: bool,
    nothing: str = "no rows",
    more: str = "--json prints all",
    as_csv: bool = False,
    spare: Collection[str] = (),
) -> None:
    """Print rows to standard output: as a JSON array of objects, as CSV, or for whoever reads it.

    A terminal gets a table, or records where its columns do not fit side by side; of a known list, `spare` columns are
    left out before that, which standard error says, and how to get `more`. Without rows, it gets `nothing`. A pipe gets
    a line of names and a line for each row, with its cells between tabs and nothing else; null is empty there.
    """
    if as_json:
        say_json(json_rows(rows))
    elif as_csv:
        say_csv(csv_rows(rows))
    elif sys.stdout.isatty():
        draw(rows, nothing, more, spare)
        return
    else:
        emit(tab_rows(rows))
    if not len(rows) and not as_json:
        remark(nothing)


def draw(rows: Rows, nothing: str = "no rows", more: str = "", spare: Collection[str] = ()) -> None:
    """Print rows for a person, be it on a terminal or not."""
    if not len(rows):
        say("\n".join(wrapped(nothing, shutil.get_terminal_size().columns)))
        return
    columns = list(_columns(rows))
    room = shutil.get_terminal_size().columns
    kept = fitting(columns, room, spare)
    _print(drawn(kept, room, *marks()))
    if left := [column.name for column in columns if column not in kept]:
        _say_below(f"without {', '.join(left)}; {more}", room)
    if more and any("characters)" in cell and len(cell) >= _CELL // 2 for column in kept for cell in column.cells):
        _say_below(f"of long values the beginning; {more}", room)


def _columns(rows: Rows) -> Iterator[Column]:
    """Yield the columns of rows as a person reads them."""
    parts = list(batches(rows))
    for place, name in enumerate(names_of(rows)):
        cells = [_cell(name, value) for part in parts for value in part[place]]
        yield Column.of(_line(name), cells, _is_number(rows, place))


def _is_number(rows: Rows, place: int) -> bool:
    if isinstance(rows, pa.Table):
        kind = rows.schema.types[place]
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
    values = rows.iloc[:, place]
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool) and not column.endswith("id"):
        return f"{value:,}"
    return _line(_nested(value) if isinstance(value, list | tuple | dict | np.ndarray) else text_of(value))


def _nested(value: Any) -> str:
    """Return a list, a struct or a map as a person writes it: texts without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_nested(name)}: {_nested(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple | np.ndarray) and not isinstance(value, pa.MonthDayNano):
        return "[" + ", ".join(map(_nested, value)) + "]"
    return "null" if value is None else text_of(value)


def _line(text: str) -> str:
    return shown(text, _CELL)


def marks() -> tuple[tuple[str, str], str]:
    """Return what begins and ends a heading on this terminal, and what its rules are made of."""
    is_plain = "NO_COLOR" in os.environ or os.environ.get("TERM") in (None, "dumb") or not sys.stdout.isatty()
    return (("", "") if is_plain else ("\x1b[1m", "\x1b[0m")), "─" if can_print("─") else "-"


def _print(lines: Iterator[str]) -> None:
    # The cells are printable, and what is added are the marks of headings.
    emit(f"{line}\n" for line in lines)


def _say_below(text: str, room: int) -> None:
    remark("\n".join(wrapped(text, room)))


def show_columns(columns: pd.DataFrame, as_json: bool, as_csv: bool = False) -> None:
    """Print the columns of a table, on a terminal below the facts of the table; JSON is one object of both.

    A terminal shows one cell of sentences for each column, because half a dozen cells side by side need 160
    characters; a pipe and CSV have one line for each column, with a cell for each fact.
    """
    if as_json:
        of_table = json.dumps(columns.attrs, ensure_ascii=False)
        say_json([f'{of_table[:-1]}, "columns": ', *json_rows(columns), "}"])
        return
    if as_csv or not sys.stdout.isatty():
        show(columns, as_json, as_csv=as_csv)
        return
    room, (bold, rule) = shutil.get_terminal_size().columns, marks()
    facts = {name: ", ".join(fact) if isinstance(fact, list) else fact for name, fact in columns.attrs.items()}
    said = [(str(name).replace("_", " "), _line(str(fact))) for name, fact in facts.items() if fact is not None]
    _print(record(said, room, bold))
    say()
    entries = columns.to_dict("records")
    cells = {
        "name": [_line(str(entry["name"])) for entry in entries],
        "type": [_line(str(entry["type"])) for entry in entries],
        "meaning": ["\n".join(map(_line, _meaning(entry))) for entry in entries],
    }
    _print(drawn([Column.of(*column) for column in cells.items()], room, bold, rule))


def _meaning(column: dict[Hashable, Any]) -> Iterator[str]:
    """Yield the lines that describe a column to a person."""
    if not pd.isna(column["description"]):
        yield column["description"]
    names = {"unit": "unit", "null": "null_means", "stand-ins": "stand_ins", "references": "references"}
    for name, fact in names.items():
        if not pd.isna(column[fact]):
            yield f"{name}: {column[fact]}"


def show_first(limit: int, rows: Rows, *how: Any, **more: Any) -> None:
    """Print the first `limit` rows (0: all) as `show` does, and say on standard error how many there are."""
    show(first(rows, limit), *how, **more)
    if limit and limit < len(rows):
        remark(f"{limit} of {len(rows):,} rows; --limit 0 prints all")


def parse_filter(text: str) -> tuple[str, str, Any]:
    """Read a filter as a person writes it: its value is JSON, or what Python or SQL has in quotes, or plain text.

    >>> parse_filter("generation == 1")
    ('generation', '==', 1)
    >>> parse_filter("name in ['mew', 'pikachu']")
    ('name', 'in', ['mew', 'pikachu'])

    Raises:
        ValueError: It is not a column, an operator that exists, and a value.
    """
    found = _FILTER.fullmatch(text)
    operator = " ".join(found["operator"].split()) if found else ""
    if found is None or operator not in OPERATORS:
        raise ValueError(
            f"expected a filter like 'generation == 1', with one of {', '.join(OPERATORS)}; found {text!r}"
        )
    value = _value(found["value"].rstrip())
    if value is None:
        raise ValueError(f"nothing is equal to null, nor other than it; `sql` has IS NULL, found {text!r}")
    return found["column"], operator, value


def _value(text: str) -> Any:
    with suppress(ValueError):
        value = _PYTHONS.get(text, text)
        return json.loads(value) if isinstance(value, str) else value
    if found := _SQLS_TEXT.fullmatch(text):
        return found[1].replace("''", "'")
    if text[0] in "'\"([":
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(text)
    return text
