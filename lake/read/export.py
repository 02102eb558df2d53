"""One snapshot to take home: a DuckDB file, or a folder of Parquet, that can be read without this package."""

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake.commit import Commit
from lake.errors import LakeError, UnknownNameError
from lake.read.dataset import open_dataset
from lake.read.interruptible import Stop, interruptible
from lake.read.ready import known
from lake.read.relations import comment_statements, entries_of, query_of, quoted, table_comments, view_comments
from lake.read.view_rows import read_view
from lake.store import Store
from lake.text import shown
from lake.views import VIEWS, View

SUFFIX = ".duckdb"

# A folder of such a name was meant as a file, of a kind that this does not write.
_OTHER_FILES = {".csv", ".db", ".json", ".parquet", ".sqlite", ".sqlite3", ".tar", ".tsv", ".xlsx", ".zip"}

# A path has one slash left of an address such as s3://lake.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)

# No table has such a name, because theirs begin with a letter.
SNAPSHOT_TABLE = "_snapshot"

_STYLE: dict[str, Any] = {"compression": "zstd"}

# Each table and each key takes a block at least: with DuckDB's usual ones, of 256 kB, 100 small tables have 50 MB.
_DATABASE: dict[str, Any] = {"default_block_size": "16384"}

_NOTICE = (
    "The documents of a source belong to whoever runs it; who passes on copies of them answers for it under that"
    " source's licence and policy. Of PokeAPI (https://pokeapi.co): Pokémon, their names, sprites and cries belong to"
    " Nintendo, Game Freak, Creatures and The Pokémon Company, none of whom has made or endorses this."
)


def export(store: Store, commit: Commit, target: Path, tables: Sequence[str] | None) -> Path:
    """Write tables and ready views of a snapshot, all of them by default, into a new file or folder.

    It is written beside under another name, and has its own once it is whole. Ctrl-C leaves nothing of it.

    Raises:
        UnknownNameError: The snapshot has no table or view of a name.
        LakeError: Something is at the target already, it cannot be written, or a file of the lake cannot be read.
    """
    names = _names(commit, tables)
    _require_free(target)
    write = _write_database if target.suffix == SUFFIX else _write_folder
    stop = Stop()

    def work() -> None:
        with _beside(target) as place:
            write(store, commit, names, place, stop)
            stop.check()

    try:
        interruptible(work, stop.ask)
    except duckdb.Error as error:
        raise LakeError(f"export: {target}: {' '.join(str(error).split())}") from error
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"export: {target} could not be written, and nothing of it is left: {error}") from error
    return target


def _names(commit: Commit, tables: object) -> list[str]:
    """Return the names that are asked for; a view brings the tables that it is made of.

    Raises:
        UnknownNameError: There is no such table or view.
    """
    there = known(commit)
    if tables is None:
        return there
    if isinstance(tables, str) or not isinstance(tables, Iterable):
        raise LakeError(f'export, tables: expected a list of names, such as ["pokemon"], found {shown(repr(tables))}')
    asked = list(tables)
    for name in asked:
        if name not in there:
            raise UnknownNameError("table or view", str(name), there)
    needs = [need for name in asked if (view := _view(commit, name)) for need in view.needs]
    return sorted({*asked, *needs})


def _view(commit: Commit, name: str) -> View | None:
    return None if name in commit.tables else VIEWS[name]


def _require_free(target: Path) -> None:
    """Raise a `LakeError` unless the target can be made, and what it will be is plain from its name."""
    if _ADDRESS.match(str(target)):
        address = str(target).replace(":/", "://", 1)
        raise LakeError(f"export: expected a place on this machine, found {address}; copy it there afterwards")
    if target.suffix.lower() in _OTHER_FILES or (target.suffix != SUFFIX and target.suffix.lower() == SUFFIX):
        raise LakeError(f"export: expected a file that ends in {SUFFIX}, or a folder of Parquet, found {target}")
    if os.path.lexists(target):
        raise LakeError(f"export: {target} is there already, and nothing is overwritten: name another, or remove it")
    if not target.absolute().parent.is_dir():
        raise LakeError(f"export: there is no folder {target.absolute().parent}; make it first")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a place beside the target; what lies there then becomes the target, or is removed if something failed."""
    place = target.with_name(f"{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        yield place
        if place.is_dir():
            place.rename(target)
        else:
            _link(place, target)
    finally:
        # Besides its file, DuckDB may leave what it has not yet written into it, and what it had no memory for.
        for left in (place, Path(f"{place}.wal"), Path(f"{place}.tmp")):
            shutil.rmtree(left, ignore_errors=True)
            with suppress(OSError):
                left.unlink()


def _link(place: Path, target: Path) -> None:
    """Give a file its name; unlike a renaming, that never replaces one that came meanwhile."""
    try:
        os.link(place, target)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no links.
        _require_free(target)
        place.rename(target)


def _write_database(store: Store, commit: Commit, names: Sequence[str], place: Path, stop: Stop) -> None:
    tables = [name for name in names if name in commit.tables]
    entries = entries_of(store, commit, tables)
    with duckdb.connect(str(place), config=_DATABASE) as connection:
        stop.connection = connection
        connection.execute("SET TimeZone = 'UTC'")
        for name in tables:
            stop.check()
            connection.register("_source", open_dataset(store, commit, name))
            _copy(connection, name, commit.tables[name].primary_key)
            connection.unregister("_source")
        views = [view for name in names if (view := _view(commit, name)) is not None]
        for view in views:
            connection.execute(f"CREATE VIEW {quoted(view.name)} AS {query_of(view)}")
        _say(connection, {name: table_comments(commit, name, entries[name]) for name in tables}, "TABLE")
        _say(connection, {view.name: view_comments(view) for view in views}, "VIEW")
        facts = _facts(commit)
        columns = ", ".join(f"? AS {quoted(name)}" for name in facts)
        connection.execute(f"CREATE TABLE {SNAPSHOT_TABLE} AS SELECT {columns}", list(facts.values()))
        connection.execute(f"COMMENT ON TABLE {SNAPSHOT_TABLE} IS 'The snapshot of a data lake that this file holds.'")


def _say(connection: duckdb.DuckDBPyConnection, comments: dict[str, Any], kind: str) -> None:
    if comments:
        connection.execute("".join(comment_statements(comments, kind)))


def _copy(connection: duckdb.DuckDBPyConnection, name: str, key: Sequence[str]) -> None:
    """Copy a table from `_source`, with its key; without it where rows of other hands break it."""
    described = connection.execute("DESCRIBE _source").fetchall()
    columns = [f"{quoted(column)} {type_}" for column, type_, *_ in described]
    keyed = [f"PRIMARY KEY ({', '.join(map(quoted, key))})"] if key else []
    try:
        connection.execute(f"CREATE TABLE {quoted(name)} ({', '.join([*columns, *keyed])})")
        connection.execute(f"INSERT INTO {quoted(name)} FROM _source")
    except duckdb.ConstraintException:
        connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS FROM _source")


def _write_folder(store: Store, commit: Commit, names: Sequence[str], place: Path, stop: Stop) -> None:
    place.mkdir()
    for name in names:
        stop.check()
        view = _view(commit, name)
        if view is not None:
            pq.write_table(read_view(store, commit, view, None, None), _file(place, name), **_STYLE)
            continue
        dataset = open_dataset(store, commit, name)
        with pq.ParquetWriter(_file(place, name), dataset.schema, **_STYLE) as writer:
            for batch in dataset.scanner().to_batches():
                stop.check()
                writer.write_batch(batch)
    (place / "README.md").write_text(_readme(commit, names), encoding="utf-8")


def _file(place: Path, name: str) -> Path:
    return place / f"{name}.parquet"


def _facts(commit: Commit) -> dict[str, str | None]:
    """Return what has to be known of a snapshot wherever a copy of it goes."""
    return {
        "snapshot": commit.snapshot,
        "committed_at": commit.committed_at,
        "source": commit.source.base_url or None,
        "source_version": commit.source.version,
        "notice": _NOTICE,
    }


def _readme(commit: Commit, names: Sequence[str]) -> str:
    def row(name: str) -> str:
        view = _view(commit, name)
        grain = commit.tables[name].grain if view is None else view.table.grain
        key = commit.tables[name].primary_key if view is None else view.table.primary_key
        kind = "table" if view is None else "view"
        return f"| {name} | {kind} | {grain.replace('|', '/')} | {', '.join(key)} |"

    facts = [
        f"- {name.replace('_', ' ')}: {fact}" for name, fact in _facts(commit).items() if fact and name != "notice"
    ]
    return "\n".join(
        (
            "# A snapshot of a data lake",
            "",
            *facts,
            "",
            _NOTICE,
            "",
            "Each table is one Parquet file, which any reader takes:",
            "",
            "```python",
            "import pandas as pd",
            "",
            f'pd.read_parquet("{names[0]}.parquet")',
            "```",
            "",
            "What the columns mean stands in the metadata of each file, under `description` and `unit`. A view was made"
            " of the tables.",
            "",
            "| file | kind | rows | key |",
            "| --- | --- | --- | --- |",
            *map(row, names),
            "",
        )
    )
