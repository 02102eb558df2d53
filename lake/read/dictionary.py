"""The data dictionary of one snapshot: a page of Markdown, from the metadata of its own files."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape

from lake.commit import Commit
from lake.read.columns import Description, describe
from lake.read.ready import known
from lake.store import PARALLEL_REQUESTS, Store
from lake.text import shown

# What a page says of a column, under these headings; those that no column of a table has are left out.
_HEADINGS = {
    "type": "type",
    "unit": "unit",
    "meaning": "description",
    "null": "null_means",
    "stand-ins": "stand_ins",
    "references": "references",
    "source": "source",
}
_ALWAYS = ("type", "meaning")

# Longer than any description of PokeAPI's.
_LONGEST = 1_000


def dictionary(store: Store, commit: Commit) -> str:
    """Return a page with all tables and ready views of a snapshot: grain, key, partition, rows, and every column.

    Raises:
        LakeError: The file of a table cannot be read.
    """
    names = known(commit)
    with ThreadPoolExecutor(PARALLEL_REQUESTS, "describe") as pool:
        described = list(pool.map(partial(describe, store, commit), names))
    lines = [
        f"# Tables of {store.uri()}",
        "",
        f"Snapshot {commit.snapshot}, committed at {commit.committed_at}, {len(commit.tables):,} tables. The key of a"
        " table is never null, and no two rows share it. *Null* says what null means.",
        "",
        *(
            f"- [{name}](#{name}): {_text(str(one.facts['grain'] or ''))}"
            for name, one in zip(names, described, strict=True)
        ),
    ]
    for name, one in zip(names, described, strict=True):
        lines += ["", *_table(commit, name, one)]
    return "\n".join(lines) + "\n"


def _table(commit: Commit, name: str, described: Description) -> Iterator[str]:
    facts = described.facts
    yield from (f"## {name}", "")
    if facts["grain"]:
        yield f"- Grain: {_text(facts['grain'])}"
    yield f"- Key: {', '.join(map(_code, facts['primary_key']))}"
    if facts["partition"]:
        yield f"- Partition: {_code(facts['partition'])}"
    if facts["source"]:
        yield f"- Source: {_code(facts['source'])}"
    if name in commit.tables:
        yield f"- Rows: {sum(file.rows for file in commit.tables[name].files):,}"
    else:
        yield "- A ready view, made when somebody asks: it has no files"
    columns = described.columns
    headings = [item for item in _HEADINGS.items() if item[0] in _ALWAYS or any(column[item[1]] for column in columns)]
    yield from (
        "",
        f"| column | {' | '.join(heading for heading, _ in headings)} |",
        "|" + " --- |" * (1 + len(headings)),
    )
    for column in columns:
        cells = [_cell(heading, column[fact]) for heading, fact in headings]
        yield f"| {_code(column['name'])} | {' | '.join(cells)} |"


def _cell(heading: str, value: str | None) -> str:
    if heading == "source":
        # What begins so stands in no document.
        return _code(value) if value and not value.startswith("@") else ""
    return _code(value or "") if heading == "type" else _text(value or "")


def _code(text: str) -> str:
    """Return a text as code in a cell; a path may have any character."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{shown(text, _LONGEST)}{fence}".replace("|", "\\|") if text else ""


def _text(text: str) -> str:
    return escape(shown(text, _LONGEST), quote=False).replace("|", "\\|")
