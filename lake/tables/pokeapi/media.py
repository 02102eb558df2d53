"""Tables of pictures and recordings. The keys that lead to a file are data, because every new game adds some."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from lake.schema import Field, Report, Row, Table


def media_rows(member: str, key: str, document: dict[str, Any], report: Report) -> Iterator[Row]:
    """Yield one row per file below `member`, with the keys that lead to it as its path; `key` is the owner's column."""
    files = document.get(member)
    if files is not None and not isinstance(files, dict):
        report(member, "an object", files)
        return
    pending: list[tuple[str, Any]] = [("", files or {})]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending.extend((f"{path}.{name}" if path else name, inner) for name, inner in value.items())
        elif type(value) is str:
            yield {key: document["id"], "path": path, "url": value}
        elif value is not None:
            report(f"{member}.{path}", "a URL", value)


def media(name: str, grain: str, resource: str, owner: tuple[Field, ...], member: str) -> Table:
    """Declare the table of the files below `member` of a resource's documents.

    `owner` holds the fields that say whose file it is, the document's id first.
    """
    return Table(
        name=name,
        grain=grain,
        resources=(resource,),
        rows=member,
        primary_key=(owner[0].name, "path"),
        fields=(
            *owner,
            Field("path", pa.string(), "Keys on the way to the file, joined by dots.", f"{member}.*"),
            Field("url", pa.string(), "Where the file lies.", f"{member}.*"),
        ),
        fill=partial(media_rows, member, owner[0].name),
    )
