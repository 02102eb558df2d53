"""How many columns and tables are inferred at most, and what becomes of the rest."""

from collections import Counter
from collections.abc import Collection, Sequence

from lake.tables.inferred.places import above, row_of
from lake.tables.inferred.plan import Plan, as_json

# Beside its keys. Readers show no more, and each column of each file costs a reader some bytes before any value.
COLUMNS = 500

# Of one resource. Each is a folder, and a file to write at every snapshot, however few its rows are.
TABLES = 100


def fit_tables(plan: Plan, settled: Collection[str], rows: Collection[str]) -> None:
    """Make lists JSON columns until there are few enough tables: the deepest first, of those the last by path.

    `rows` are tables that stay, and so do those with `settled` columns.
    """
    free = sorted(plan.rows - _pinned(settled, rows) - {""}, key=lambda path: (path.count("[]"), path), reverse=True)
    surplus = max(0, len(plan.rows | {*rows}) - TABLES)
    lists = {path.removesuffix("[]") for path in free[:surplus]}
    _collapse(plan, lists, f"there would be more than {TABLES} tables")


def fit_columns(plan: Plan, settled: Collection[str], rows: Collection[str], before: Collection[str]) -> dict[str, int]:
    """Make objects JSON columns until no table has too many; return how many columns are omitted instead, by table.

    The object with most columns goes first, of those the first by path; if that is not enough, the whole row. A table
    that had columns `before`, or that has `settled` ones, gets others as far as there is room, by their paths. Those
    always stay, and `rows` are tables that do.
    """
    omitted, pinned = dict[str, int](), _pinned(settled, rows)
    grown, given = {row_of(path) for path in before}, Counter(map(row_of, settled))
    for row in sorted(plan.rows):
        own = sorted(path for path in plan.columns if row_of(path) == row)
        room = max(0, COLUMNS - given[row])
        if len(own) <= room:
            continue
        objects = None if row in grown else _largest(own, row, pinned, room)
        if objects is not None or (row not in grown and row not in pinned):
            _collapse(plan, {row} if objects is None else objects, f"the table would have more than {COLUMNS} columns")
            continue
        omitted[row] = len(own) - room
        for path in own[room:]:
            del plan.columns[path]
    return omitted


def _largest(own: Sequence[str], row: str, pinned: Collection[str], room: int) -> set[str] | None:
    """Return the objects that must become one column each for a row to have room; None if they are not enough."""
    inside = (outer for path in own for outer in above(path) if outer != row and row_of(outer) == row)
    sizes = Counter(outer for outer in inside if outer not in pinned and len(outer) > len(row))
    total, found = len(own), set[str]()
    while total > room:
        path = min(sizes, key=lambda path: (-sizes[path], path), default="")
        if sizes[path] < 2:
            return None
        found.add(path)
        saved = sizes[path] - 1
        total -= saved
        for outer in above(path):
            sizes[outer] -= saved
        sizes = Counter({other: size for other, size in sizes.items() if path not in (other, *above(other))})
    return found


def _pinned(settled: Collection[str], rows: Collection[str]) -> set[str]:
    """Return the paths that cannot become JSON text, because columns or tables below them stay."""
    below = {outer for path in (*settled, *rows) for outer in above(path)}
    return below | {path for path in (*settled, *rows) if path}


def _collapse(plan: Plan, paths: Collection[str], why: str) -> None:
    """Make one JSON column of all that lies at or below each of some paths."""
    outermost = {path for path in paths if not {*above(path)} & {*paths}}
    plan.columns = {path: column for path, column in plan.columns.items() if not {path, *above(path)} & outermost}
    plan.columns |= dict.fromkeys(outermost, as_json(why, "bounded"))
    plan.rows = {row for row in plan.rows if not {*above(row)} & outermost}
