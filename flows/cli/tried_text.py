"""What the trial of a source found, as lines for a person."""

import shutil
from collections.abc import Iterable, Iterator

import pyarrow as pa
from rich.cells import cell_len, set_cell_size

from flows.cli.costs import mb
from flows.cli.tried import Tried
from lake.assemble.trial import Landing, TriedTable
from lake.cli.grid import Column, drawn, fit, record, wrapped
from lake.cli.say import NO_LIMIT
from lake.cli.show import marks
from lake.cli.values import batches, text_of
from lake.crawl.estimate import Estimate, too_many
from lake.crawl.trial import Trial
from lake.schema import Field
from lake.source import Source
from lake.text import counted, printable, shown

# Cells of the narrowest value that says something, and blanks between two columns.
_LEAST, _GAP = 8, 2

# Characters of a value or a sentence that somebody reads.
_LONGEST = 1_000

_POINT = "* "


def text(tried: Tried) -> str:
    """Return what was found as lines of a terminal's width; nothing of them is obeyed but the marks of headings."""
    return "\n".join(_lines(tried))


def _lines(tried: Tried) -> Iterator[str]:
    room = shutil.get_terminal_size().columns
    for trial in tried.trials:
        yield from _said(trial, room)
        yield ""
        landing = tried.landed[trial.resource]
        if not trial.documents:
            yield from _declared(landing, room)
            continue
        for one in landing.tables:
            yield from _table(one, len(trial.documents), room)
            yield ""
        if landing.notes:
            yield from _points(landing.notes, room)
            yield ""
    if any(trial.documents for trial in tried.trials):
        yield from wrapped("The tables follow from these documents alone; a refresh looks at all of them.", room)
        yield ""
    if not tried.wrong:
        yield from _costs(tried, room)
        yield ""
        yield from _heading("the block to save, in Python")
        yield printable(tried.block, NO_LIMIT)
        yield ""
        yield from wrapped(f"then: pokelake refresh --source-block {shown(tried.name)} --bucket BUCKET", room)


def _heading(text: str) -> Iterator[str]:
    (before, after), rule = marks()
    yield f"{before}{text}{after}"
    yield rule * cell_len(text)


def _said(trial: Trial, room: int) -> Iterator[str]:
    yield from _heading(trial.resource)
    total = "how many there are in all is not said" if trial.count is None else f"{trial.count:,} in all"
    size = f", {trial.bytes:,} bytes" if trial.bytes is not None else ""
    what = "page" if trial.bytes is not None else "listing"
    facts = {"address": trial.url, what: f"{counted(trial.items, 'item')}{size}; {total}"}
    if trial.bytes is not None:
        facts["next page"] = f"another one follows, by {trial.way_on}" if trial.follows else _none(trial)
        facts["documents"] = "the items of the page" if trial.is_inline else _fetched(trial)
        limits = ", ".join(f"{name} {value}" for name, value in trial.rate_limit.items())
        facts["limits"] = limits or "no header says any"
    yield from record([(name, shown(fact, _LONGEST)) for name, fact in facts.items()], room, marks()[0])
    yield from _points(trial.remarks, room)


def _none(trial: Trial) -> str:
    return f"none; it would be found by {trial.way_on}" if trial.way_on else "none, because rest.next_path is empty"


def _fetched(trial: Trial) -> str:
    etags = sum(document.etag is not None for document in trial.documents)
    said = "each with an ETag" if trial.have_etags else f"{etags} of them with an ETag" if etags else "without ETags"
    return f"{len(trial.documents)} of them fetched, {said}"


def _declared(landing: Landing, room: int) -> Iterator[str]:
    names = ", ".join(tried.table.name for tried in landing.tables)
    if names:
        yield from wrapped(f"tables that are declared (`pokelake columns TABLE` shows one): {names}", room)
    else:
        yield "no document was found, so no table can be shown"
    yield ""


def _table(tried: TriedTable, documents: int, room: int) -> Iterator[str]:
    """Yield the columns of a table, one a line, each with its type and the values of the first rows."""
    table, (before, after) = tried.table, marks()[0]
    rows = counted(tried.rows.num_rows, "row")
    yield f"{before}{table.name}{after}"
    yield from wrapped(
        f"{shown(table.grain)}; key: {', '.join(table.primary_key)}; {rows} from {counted(documents, 'document')}", room
    )
    names, types = [field.name for field in table.fields], [_type(field) for field in table.fields]
    values = _values(tried.first)
    taken = sum(max(map(cell_len, cells)) + _GAP for cells in (types, *values))
    short = [_cut(name, max(room * 2 // 5, room - taken)) for name in names]
    left = room - sum(column.full + _GAP for column in _columns(short, types, []))
    columns = _columns(short, types, _sharing(values, left))
    if not fit(columns, room):
        # A record leaves a value the whole line but for its label.
        label, short = len("column") + _GAP, names
        columns = _columns(names, types, [[_cut(value, room - label) for value in cells] for cells in values])
    yield from drawn(columns, room, *marks())
    yield from _points((f"{cut} is {name}" for cut, name in zip(short, names, strict=True) if cut != name), room)
    drifts = [f"{one.path}: expected {one.expected}, found {one.found}" for one in tried.drifts]
    yield from _points(dict.fromkeys(drifts), room)


def _columns(names: list[str], types: list[str], values: list[list[str]]) -> list[Column]:
    rows = (Column.of(f"row {number}", cells) for number, cells in enumerate(values, 1))
    return [Column.of("column", names), Column.of("type", types), *rows]


def _sharing(values: list[list[str]], left: int) -> list[list[str]]:
    """Return columns of values, cut to share so many cells."""
    by_width, cut = sorted(range(len(values)), key=lambda place: max(map(cell_len, values[place]))), list(values)
    for number, place in enumerate(by_width):
        width = max(_LEAST, left // (len(cut) - number) - _GAP)
        cut[place] = [_cut(value, width) for value in cut[place]]
        left -= max(map(cell_len, cut[place])) + _GAP
    return cut


def _values(rows: pa.Table) -> list[list[str]]:
    """Return the values of each row as text; null is a dash."""
    columns = next(batches(rows), [])
    texts = [["-" if value is None else shown(text_of(value), _LONGEST) for value in column] for column in columns]
    return [list(row) for row in zip(*texts, strict=True)]


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def _type(field: Field) -> str:
    """Return the type of a column by the name that a source's settings have for it."""
    if field.is_json:
        return "json"
    return {"bool": "boolean", "date32[day]": "date"}.get(name := str(field.type), name.partition("[")[0])


def _costs(tried: Tried, room: int) -> Iterator[str]:
    yield from _heading("what it takes")
    first, refresh = tried.estimates
    taken = {"first crawl": _taken(first, tried.source), "refresh": _taken(refresh, tried.source)}
    yield from record(list(taken.items()), room, marks()[0])
    yield from _points(too_many(first, tried.trials), room)


def _taken(found: Estimate, source: Source) -> str:
    time = "as fast as it answers"
    if found.seconds is not None:
        time = f"{_duration(found.seconds)} at {source.requests_per_second:g} a second"
    size = f", {_size(found.bytes)}" if found.bytes is not None else ""
    assumed = f"; {found.assumed}" if found.assumed else ""
    return f"{counted(found.requests, 'request')}, {time}{size}: {found.why}{assumed}"


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 1_000_000 else mb(size)


def _duration(seconds: float) -> str:
    """Return a time in the unit that a person has for it.

    >>> _duration(12), _duration(1_560)
    ('12 s', '26 minutes')
    """
    if seconds < 1:
        return "less than a second"
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"


def _points(sentences: Iterable[str], room: int) -> Iterator[str]:
    for sentence in sentences:
        first, *others = wrapped(shown(sentence, _LONGEST), room - len(_POINT))
        yield _POINT + first
        yield from (" " * len(_POINT) + line for line in others)
