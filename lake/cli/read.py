"""The commands that read a lake."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lake.bucket import LAKE_BLOCK
from lake.cli.options import AsOf, Bucket, Csv, Json, LakeBlock, Limit, Prefix, most, names
from lake.cli.say import remark, say, say_document
from lake.errors import LakeError

if TYPE_CHECKING:
    from lake.read import Lake
    from lake.store import Store

app = typer.Typer()

_finders: "list[Callable[[str], Store]]" = []


def find_lakes_by(finder: "Callable[[str], Store]") -> None:
    """Let a lake for which no bucket is named be found by the name of its saved block."""
    _finders[:] = [finder]


@app.command()
def tables(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List the tables of a snapshot: rows, bytes, partitions, what a row stands for."""
    from lake.cli.show import show

    show(open_lake(lake, bucket, prefix).tables(as_of), as_json, as_csv=as_csv, spare=("partitions", "kind", "bytes"))


@app.command()
def columns(
    table: Annotated[str, typer.Argument(help="Name of the table.")],
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Describe a table and its columns: type, unit, meaning, what null means, what a column references."""
    from lake.cli.show import show_columns

    show_columns(open_lake(lake, bucket, prefix).columns(table, as_of), as_json, as_csv)


@app.command()
def docs(bucket: Bucket = None, prefix: Prefix = "", lake: LakeBlock = LAKE_BLOCK, as_of: AsOf = None) -> None:
    """Print a page of Markdown about all tables of a snapshot: grain, key, rows, and what each column means."""
    say(open_lake(lake, bucket, prefix).docs(as_of).rstrip("\n"))


@app.command()
def snapshots(
    limit: Limit = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List the newest snapshots that were published, newest first."""
    from lake.cli.show import show

    count = most(limit, as_json or as_csv)
    found = open_lake(lake, bucket, prefix).snapshots(count + 1 if count else None)
    rows = found.head(count) if count else found
    if not as_json and "restores" in rows and rows["restores"].isna().all():
        rows = rows.drop(columns="restores")
    show(rows, as_json, "nothing was ever published", as_csv=as_csv, spare=("bytes", "committed_at", "documents"))
    if len(rows) < len(found):
        remark(f"the newest {count}; --limit 0 prints all")


@app.command()
def audits(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List the findings of a snapshot's audits: drift upstream, and changes that a person was asked about."""
    from lake.cli.show import show

    show(open_lake(lake, bucket, prefix).audits(as_of), as_json, "nothing found", as_csv=as_csv)


@app.command()
def read(
    table: Annotated[str, typer.Argument(help="Name of the table.")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="A filter such as 'generation == 1' or 'name not in [\"mew\"]'; may be given again."),
    ] = None,
    columns: Annotated[list[str] | None, typer.Option(help="Columns, separated by commas; may be given again.")] = None,
    limit: Limit = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Print rows of a table."""
    from lake.cli.show import parse_filter, show_first
    from lake.read.rows import read_rows

    try:
        filters = [parse_filter(text) for text in where or []]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from error
    wanted = names(columns, "--columns")
    source = open_lake(lake, bucket, prefix)
    rows = read_rows(source.store, source.commit(as_of), table, filters or None, wanted)
    show_first(most(limit, as_json or as_csv), rows, as_json, as_csv=as_csv)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One query in DuckDB's SQL; every table is a view.")],
    limit: Limit = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Print the rows of an SQL query."""
    from lake.cli.show import show_first
    from lake.read.query import query as answer

    source = open_lake(lake, bucket, prefix)
    rows = answer(source.store, source.commit(as_of), query)
    show_first(most(limit, as_json or as_csv), rows, as_json, as_csv=as_csv)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="FILE.duckdb, or a folder for Parquet; it must not exist.")],
    tables: Annotated[
        list[str] | None,
        typer.Option(
            help="Tables and views, separated by commas; may be given again. Default: all. A view brings its tables."
        ),
    ] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
) -> None:
    """Write a snapshot into a DuckDB file or a folder of Parquet, which are read without Pokélake."""
    wanted = names(tables, "--tables")
    source = open_lake(lake, bucket, prefix).at(as_of)
    path = source.export(target, wanted)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    kilobytes = sum(file.stat().st_size for file in files) / 1e3
    size = f"{kilobytes / 1e3:,.1f} MB" if kilobytes >= 1e3 else f"{kilobytes:,.1f} kB"
    say(f"wrote {source.commit().snapshot} into {path}: {size}")


_Before = Annotated[
    str | None,
    typer.Argument(
        help="A snapshot's name, a date (its end, UTC) or a time. Default: the snapshot that AFTER followed."
    ),
]
_After = Annotated[str | None, typer.Argument(help="The same. Default: the current snapshot.")]


@app.command()
def diff(
    table: Annotated[str | None, typer.Argument(help="Name of a table. Default: all, with counts of rows.")] = None,
    before: _Before = None,
    after: _After = None,
    limit: Limit = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Print the rows of a table that were added, removed or changed between two snapshots, or how many of each table.

    A lone date or snapshot, as in `diff 2026-08-01`, means all tables. A terminal shows keys, and before → after of
    what changed; a pipe, --json and --csv have all columns.
    """
    from lake.cli import compare
    from lake.cli.show import show_first

    if table is not None and table[:1].isdigit():
        # No table's name begins so: it is a snapshot's name, a date or a time.
        if after is not None:
            raise typer.BadParameter(f"expected two snapshots at most, found {after} as well", param_hint="AFTER")
        table, before, after = None, table, before
    opened = open_lake(lake, bucket, prefix)
    rows = opened.diff(before=before, after=after) if table is None else opened.diff(table, before, after)
    if as_json or as_csv or not sys.stdout.isatty():
        nothing = "no rows changed" if table is not None else compare.none_differs(rows)
        differing = rows if table is not None else compare.those_that_differ(rows)
        show_first(most(limit, True), differing, as_json, nothing, as_csv=as_csv)
    elif table is None:
        compare.draw_counts(rows)
    else:
        compare.draw_rows(rows, most(limit, False))


@app.command()
def changes(
    before: _Before = None,
    after: _After = None,
    kind: Annotated[str | None, typer.Option(help="added, deleted, renamed or reused. Default: all.")] = None,
    limit: Limit = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Print the documents that were added, deleted or renamed between two snapshots, and the ids that were reused.

    The old name of a reused id stands under another id, or its document says other things.
    """
    from lake.cli import compare
    from lake.cli.show import show_first

    rows = open_lake(lake, bucket, prefix).changes(before, after, kind)
    if as_json or as_csv or not sys.stdout.isatty():
        show_first(most(limit, True), rows, as_json, "no documents changed", as_csv=as_csv)
    else:
        compare.draw_documents(rows, most(limit, False), kind)


@app.command()
def document(
    resource: Annotated[str, typer.Argument(help="Name of the resource.")],
    id_: Annotated[str | None, typer.Argument(metavar="[ID|NAME]", help="25, or pikachu.")] = None,
    path: Annotated[
        str | None, typer.Option(help="Path of the document, for a source whose ids are not numbers: servers/blue.")
    ] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
) -> None:
    """Write a document to standard output, byte for byte as it was received."""
    if id_ is None and path is None:
        raise typer.BadParameter("expected the id or the name of a document, or --path", param_hint="ID")
    say_document(open_lake(lake, bucket, prefix).document(resource, id_, as_of, path))


def open_lake(lake: str, bucket: str | None, prefix: str) -> "Lake":
    """Return the lake in a bucket, or that of a saved block if no bucket is named.

    Raises:
        LakeError: No bucket is named, and nothing here can open a block.
    """
    from lake.read import Lake
    from lake.store import Store

    if bucket is not None:
        return Lake(Store(bucket, prefix))
    if not _finders:
        raise LakeError("name the lake: --bucket and --prefix, or POKELAKE_BUCKET and POKELAKE_PREFIX")
    return Lake(_finders[0](lake))
