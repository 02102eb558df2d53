"""Rows for people: columns side by side where they fit, and else one record below the other. No word is broken."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

# Blanks between two columns.
_GAP = 2

# Longer cells may be folded between their words, to leave room for other columns; names and ids have no such place.
_FOLDED = 30

# Blanks before what begins below its name.
_BELOW = 2


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """One column as text: `full` is its width, and `least` its width once long sentences in it are folded."""

    name: str
    cells: Sequence[str]
    is_number: bool
    full: int
    least: int

    @classmethod
    def of(cls, name: str, cells: Sequence[str], is_number: bool = False) -> "Column":
        """Return a column of these cells; a line break in a cell begins a new paragraph."""
        lines = [line for cell in (name, *cells) for line in cell.split("\n")]
        full = max(map(cell_len, lines))
        word = max(cell_len(word) for line in lines for word in line.split(" "))
        return cls(name, cells, is_number, full, min(full, max(word, _FOLDED)))


def fitting(columns: Sequence[Column], room: int, spare: Collection[str] = ()) -> list[Column]:
    """Return the columns that fit side by side, without some of the `spare` ones if it needs that; if none do, all.

    The first of the spare ones are left out first.
    """
    kept = list(columns)
    for name in (None, *spare):
        kept = [column for column in kept if column.name != name]
        if _least(kept) <= room:
            return kept
    return list(columns)


def fit(columns: Sequence[Column], room: int) -> bool:
    """Tell whether columns fit side by side."""
    return _least(columns) <= room


def _least(columns: Sequence[Column]) -> int:
    return sum(column.least + _GAP for column in columns) - _GAP


def drawn(columns: Sequence[Column], room: int, bold: tuple[str, str], rule: str) -> Iterator[str]:
    """Yield the lines of a table, or of records if its columns do not fit side by side."""
    yield from (_table if _least(columns) <= room else _records)(columns, room, bold, rule)


def _table(columns: Sequence[Column], room: int, bold: tuple[str, str], rule: str) -> Iterator[str]:
    rest = room - _least(columns)
    widths = []
    for column in columns:
        widths.append(min(column.full, column.least + rest))
        rest -= widths[-1] - column.least
    yield bold[0] + _side_by_side([[column.name] for column in columns], columns, widths) + bold[1]
    yield rule * (sum(widths) + _GAP * (len(widths) - 1))
    for row in zip(*(column.cells for column in columns), strict=True):
        folded = [wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, folded))):
            yield _side_by_side([cell[line : line + 1] for cell in folded], columns, widths)


def _side_by_side(cells: Sequence[Sequence[str]], columns: Sequence[Column], widths: Sequence[int]) -> str:
    line = ""
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = cell[0] if cell else ""
        blanks = " " * (width - cell_len(text))
        line += (blanks + text if column.is_number else text + blanks) + " " * _GAP
    return line.rstrip()


def _records(columns: Sequence[Column], room: int, bold: tuple[str, str], rule: str) -> Iterator[str]:
    """Yield a record for each row, below a rule with the number of the row."""
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True), 1):
        if len(columns[0].cells) > 1:
            yield f"{rule}[ {number:,} ]".ljust(room, rule)
        yield from record([(column.name, cell) for column, cell in zip(columns, row, strict=True)], room, bold)


def record(values: Sequence[tuple[str, str]], room: int, bold: tuple[str, str]) -> Iterator[str]:
    """Yield a line for each name and its value; a longer value goes on below its beginning.

    A value with a word that has room only below the name begins there. One with a word that has room nowhere, such as
    a document, is left for the terminal to break where it will.
    """
    indent = max(cell_len(name) for name, _ in values) + _GAP
    for name, value in values:
        label = f"{bold[0]}{name}{bold[1]}" + " " * (indent - cell_len(name))
        word = max(map(cell_len, value.split()), default=0)
        if indent + word <= room:
            for line in wrapped(value, room - indent):
                yield (label + line).rstrip()
                label = " " * indent
        elif _BELOW + word <= room:
            yield label.rstrip()
            yield from (" " * _BELOW + line for line in wrapped(value, room - _BELOW))
        else:
            yield label + value


def wrapped(text: str, room: int) -> list[str]:
    """Return a text in lines of so many cells, broken between words; a word that has no room is left whole."""
    lines = []
    for paragraph in text.split("\n"):
        line: str | None = None
        for word in paragraph.split(" "):
            if line is None or cell_len(line) + 1 + cell_len(word) > room:
                lines += [] if line is None else [line]
                line = word
            else:
                line += f" {word}"
        lines.append(line or "")
    return lines
