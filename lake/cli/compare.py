"""What changed between two snapshots, for a person: keys, and before → after of what is another one, nothing else."""

import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from lake.cli.grid import Column, drawn, fit, wrapped
from lake.cli.say import can_print, emit, remark
from lake.cli.show import draw, marks
from lake.cli.values import batches, text_of
from lake.text import counted, shown

# Of longer texts only the place is shown where they differ, with so many characters around it, and at most so many.
_SHORT, _AROUND, _MOST = 40, 15, 200

_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_CHARACTERS = 12

# They are others for every document that is another one.
_OF_ANY_DOCUMENT = {"etag", "fetched_at"}

_GAP = 2

_COUNTS = ["added", "removed", "changed"]


def those_that_differ(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of the tables that `Lake.diff` counts that differ, or that cannot be compared."""
    counts = rows[_COUNTS]
    return rows[counts.isna().any(axis=1) | (counts.fillna(0).sum(axis=1) > 0)]


def none_differs(rows: pd.DataFrame) -> str:
    """Say that no table differs."""
    return f"no row of any table changed {_between(rows)}"


def draw_counts(rows: pd.DataFrame) -> None:
    """Print the tables that differ, of those that `Lake.diff` returns, and say how many do not."""
    counts, differing = rows[_COUNTS], those_that_differ(rows)
    draw(differing, none_differs(rows))
    if not differing.empty:
        same = counted(len(rows) - len(differing), "other table")
        _say_below(f"{_between(rows)}; no row of {same} changed")
    if counts.isna().any(axis=None):
        remark("-: the rows cannot be compared, because the key or the type of a column differs")


def draw_documents(rows: pd.DataFrame, limit: int, kind: str | None) -> None:
    """Print the first `limit` documents (0: all) of those that `Lake.changes` returns, and count them."""
    if (rows["path"] == rows["resource"] + "/" + rows["id"].astype("string")).all():
        drawn_rows = rows.drop(columns="path")
    else:
        drawn_rows = rows
    nothing = (
        f"no {'document' if kind != 'reused' else 'id'} was {kind or 'added, deleted or renamed'} {_between(rows)}"
    )
    draw(drawn_rows.head(limit) if limit else drawn_rows, nothing, "--json has them", spare=("path",))
    if not rows.empty:
        _say_of(rows, "kind", limit)


def draw_rows(rows: pd.DataFrame, limit: int) -> None:
    """Print the first `limit` rows (0: all) that `Lake.diff` returns, each by its key and name, with what changed."""
    if rows.empty:
        draw(rows, f"no row changed {_between(rows)}")
        return
    names = list(rows.columns)
    columns = _columns(rows.head(limit) if limit else rows)
    values = dict(zip(names, columns, strict=True))
    key = names[1 : names.index("changed_columns")]
    shown_by = [*key, *(["name"] if "name" in names and "name" not in key else [])]
    cells = {name: [_value(value) for value in values[name]] for name in shown_by}
    entries = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    what = Column.of("change", ["\n".join(_changes(entry)) for entry in entries])
    room = shutil.get_terminal_size().columns
    side_by_side = [Column.of(shown(name), cells[name], pd.api.types.is_integer_dtype(rows[name])) for name in shown_by]
    if len(key) > 1 and sum(column.full + _GAP for column in side_by_side) > room // 2:
        cells_of_key = zip(*(cells[name] for name in key), strict=True)
        joined = Column.of(shown(", ".join(key)), [", ".join(row) for row in cells_of_key])
        # Records have a line for each column, so there nothing is to be gained.
        if fit([joined, *side_by_side[len(key) :], what], room):
            side_by_side = [joined, *side_by_side[len(key) :]]
    emit(f"{line}\n" for line in drawn([*side_by_side, what], room, *marks()))
    _say_of(rows, "row_change", limit)


def _say_of(rows: pd.DataFrame, column: str, limit: int) -> None:
    """Say of which snapshots rows tell, how many of each kind there are, and how to see the rest of them."""
    said = ", ".join(f"{count:,} {kind}" for kind, count in rows[column].value_counts().items())
    rest = f"; the first {limit} are shown, --limit 0 prints all" if limit and limit < len(rows) else ""
    _say_below(f"{_between(rows)}: {said}{rest}")


def _say_below(text: str) -> None:
    remark("\n".join(wrapped(text, shutil.get_terminal_size().columns)))


def _between(rows: pd.DataFrame) -> str:
    return f"from {rows.attrs['before']} to {rows.attrs['after']}"


def _columns(rows: pd.DataFrame) -> list[list[Any]]:
    """Return the values of all columns."""
    parts = list(batches(rows))
    return [[value for part in parts for value in part[place]] for place in range(rows.shape[1])]


def _changes(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value that changed in a row, or the word for a whole row."""
    if not row["changed_columns"]:
        yield row["row_change"]
        return
    names, arrow = row["changed_columns"].split(","), "→" if can_print("→") else "->"
    for name in names:
        if "sha256" not in names or name not in _OF_ANY_DOCUMENT:
            yield f"{shown(name)}: {before_and_after(row[name + '_before'], row[name], arrow)}"


def before_and_after(before: Any, after: Any, arrow: str = "→") -> str:
    """Return two values with an arrow between them; of long texts, where they differ.

    >>> before_and_after(40, None)
    '40 → -'
    >>> before_and_after("It hits the foe once, and then it flees.", "It hits the foe twice, and then it flees.")
    '…t hits the foe once, and then it… → …t hits the foe twice, and then it…'
    """
    old, new = _value(before), _value(after)
    if max(len(old), len(new)) > _SHORT:
        old, new = _differing(old, new)
    return f"{old} {arrow} {new}"


def _differing(old: str, new: str) -> tuple[str, str]:
    shorter = min(len(old), len(new))
    head = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    tail = next((place for place in range(shorter - head) if old[-1 - place] != new[-1 - place]), shorter - head)
    begin, end = max(head - _AROUND, 0), max(tail - _AROUND, 0)
    before, after = ("…" if place else "" for place in (begin, end))
    old, new = (before + text[begin : len(text) - end] + after for text in (old, new))
    return shown(old, _MOST), shown(new, _MOST)


def _value(value: Any) -> str:
    text = "-" if value is None else shown(text_of(value), 10 * _MOST)
    return f"{text[:_HASH_CHARACTERS]}…" if _HASH.fullmatch(text) else text
