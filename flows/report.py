"""The flow that reports on a snapshot: what changed, what the audits found, and what is in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from prefect import flow
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.schemas import State

from flows.steps.ended import TELLING
from flows.steps.markdown import cell
from flows.steps.outcome import describe_changes, ended
from flows.steps.parameters import LakeLocation
from flows.steps.watch import run_name, watched
from lake.commit import Commit, parent_of
from lake.layout import report_key, snapshot_folder
from lake.read.history import History
from lake.report.keep import is_kept, keep
from lake.store import Store
from lake.text import counted, listed, shown

# Rows that a section of the report shows; the commit and the table of all tables have the others.
ROWS_A_SECTION = 20


# A report of all of PokeAPI takes seconds.
LONGEST_SECONDS = 15 * 60


@flow(
    name="report",
    persist_result=False,
    flow_run_name=run_name,
    timeout_seconds=LONGEST_SECONDS,
    on_completion=TELLING,
    on_failure=TELLING,
    on_crashed=TELLING,
    on_cancellation=TELLING,
)
@watched
def report(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    snapshot: str | None = None,
    anew: bool = False,
) -> State[Any]:
    """Report on a snapshot: an artifact to be read, a table of all its tables, and its page in the bucket.

    The page is one file of HTML, `reports/<snapshot>/index.html`, and an artifact links to it: in AWS's console, where
    whoever may read the bucket opens it. One that lies there already stays.

    Requires: the S3Bucket block of the lake, or `lake.bucket` and AWS credentials in the environment.

    Args:
        lake: Where the lake lies.
        snapshot: A snapshot's name, a date (its end, UTC) or a time. Default: the current snapshot.
        anew: Whether a page that lies there already is made anew, as after an upgrade.
    """
    store = lake.open()
    commit = History(store).commit(snapshot)
    parent = parent_of(store, commit)
    tables = compare_tables(commit, parent)
    uri = store.uri(snapshot_folder(commit.snapshot))
    create_markdown_artifact(
        "\n".join(lines(commit, parent, tables, uri)),
        key="pokelake-report",
        description=f"Snapshot {commit.snapshot}",
    )
    create_table_artifact(tables, key="pokelake-tables", description=f"The tables of snapshot {commit.snapshot}")
    made = write_page(store, commit, anew)
    return ended(f"reported {commit.snapshot}: {describe_changes(commit)}; its page {made}")


def write_page(store: Store, commit: Commit, anew: bool) -> str:
    """Make the page of a snapshot unless it is there, link to it from the run, and return what became of it.

    Raises:
        LakeError: A file of the snapshot is not what its commit says, or S3 refused the page.
    """
    key = report_key(commit.snapshot)
    made = "was there already"
    if anew or not is_kept(store, commit.snapshot):
        # What draws it takes a second to load, and no other flow needs it.
        from lake.read import Lake
        from lake.report import make_page

        if keep(store, commit.snapshot, make_page(Lake(store), commit.snapshot)[1], anew):
            made = f"is {store.uri(key)}"
    create_link_artifact(
        link=store.page(key),
        link_text=f"The page of snapshot {commit.snapshot}",
        key="pokelake-page",
        description=f"`{store.uri(key)}`: one file, which a browser opens without a network.",
    )
    return made


def compare_tables(commit: Commit, parent: Commit | None) -> list[dict[str, Any]]:
    """Return one row per table of either commit: rows, bytes, and by how much they grew; null without a parent."""
    before = parent.tables if parent else {}
    found = []
    for name in sorted(commit.tables.keys() | before.keys()):
        now, then = commit.tables.get(name), before.get(name)
        rows, size = (now.rows, now.bytes) if now else (0, 0)
        found.append(
            {
                "table": shown(name),
                "rows": rows,
                "change in rows": rows - (then.rows if then else 0) if parent else None,
                "bytes": size,
                "change in bytes": size - (then.bytes if then else 0) if parent else None,
                "files": len(now.files) if now else 0,
            }
        )
    return found


def lines(commit: Commit, parent: Commit | None, tables: Sequence[Mapping[str, Any]], uri: str) -> Iterator[str]:
    """Yield a report in Markdown; `tables` compares them with the parent's, and `uri` is where the snapshot lies."""
    rows, size = (sum(entry[what] for entry in tables) for what in ("rows", "bytes"))
    yield f"# Snapshot {cell(commit.snapshot)}"
    yield ""
    yield f"- Published {cell(commit.committed_at)} as commit {commit.seq}, {_after(commit, parent)}."
    yield f"- Source: {cell(commit.source.base_url)}, version {cell(commit.source.version or 'unknown')}."
    yield f"- {describe_changes(commit)}."
    contents = (counted(len(commit.tables), "table"), counted(rows, "row"), counted(size, "byte"))
    yield f"- {', '.join(contents)}, in [{cell(uri)}]({quote(uri, safe=':/')})."
    if restored := commit.restores:
        yield f"- It restores {cell(restored.snapshot)}, by {cell(restored.by)}: {cell(restored.reason)}."
    if code := commit.run.get("code_version"):
        yield f"- Made by code version {cell(str(code))}."
    changed = {name: counts for name, counts in sorted(commit.changes.items()) if any(counts.values())}
    kinds = ("added", "modified", "deleted", "reordered")
    yield from _section(
        "Documents",
        ("resource", *kinds),
        [(name, *(counts.get(kind, 0) for kind in kinds)) for name, counts in changed.items()],
    )
    failed = [
        *((failure.path, "kept from before", failure.reason) for failure in commit.stale),
        *((failure.path, "missing", failure.reason) for failure in commit.missing),
    ]
    yield from _section("Documents that could not be fetched", ("document", "in this snapshot", "reason"), failed)
    yield from _section(
        "What the audits found",
        ("level", "rule", "about", "finding"),
        [(entry["level"], entry["rule"], entry["subject"], entry["message"]) for entry in commit.audits],
    )
    yield from _section(
        "Tables that grew or shrank",
        ("table", "rows", "change in rows", "bytes", "change in bytes"),
        [
            (entry["table"], entry["rows"], f"{grown:+,}", entry["bytes"], f"{entry['change in bytes']:+,}")
            for entry in tables
            if (grown := entry["change in rows"]) or entry["change in bytes"]
        ],
    )


def _after(commit: Commit, parent: Commit | None) -> str:
    if commit.parent is None:
        return "the first one"
    return f"after {cell(commit.parent)}" + ("" if parent else ", which is forgotten, so tables are not compared")


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[str | int]]) -> Iterator[str]:
    """Yield a heading and a table of the first rows; nothing where there are none."""
    if not rows:
        return
    yield from ("", f"## {title}", "", _row(header), _row(["---"] * len(header)))
    told = listed(rows, ROWS_A_SECTION)
    yield from map(_row, told)
    if more := len(rows) - len(told):
        yield from ("", f"and {more:,} more")


def _row(cells: Sequence[str | int]) -> str:
    return f"| {' | '.join(cell(value) for value in cells)} |"
