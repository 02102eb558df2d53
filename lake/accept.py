"""Which objects below ``commits/`` count: whoever may write to the bucket can put anything there.

What no writer of a lake would have made is no commit. Readers and writers pass over it, and say so.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from lake import fields
from lake.errors import MissingObjectError, NoCommitError
from lake.layout import part_name
from lake.resource import is_resource_name
from lake.schema import PARTITION

if TYPE_CHECKING:
    from lake.commit import Commit, DataFile

# The partition of the documents is their resource, and no number.
_OF_DOCUMENTS = "resource"


def findings(commit: "Commit") -> Iterator[str]:
    """Yield what is wrong with a commit whose members have the right types."""
    try:
        if datetime.fromisoformat(commit.committed_at).tzinfo is None:
            yield f"committed_at: expected a time with its zone, found {commit.committed_at!r}"
    except ValueError:
        yield f"committed_at: expected a time, found {commit.committed_at!r}"
    for member in ("snapshot", "parent"):
        name = getattr(commit, member)
        if name is not None and not _is_dated(name):
            yield f"{member}: expected a name that begins with a time, found {name!r}"
    if commit.parent == commit.snapshot:
        yield f"parent: expected another snapshot than its own, found {commit.parent!r}"
    if not isinstance(commit.run.get("code_version"), str | None):
        yield "run.code_version: expected text or null"
    for entry in commit.audits:
        if not all(isinstance(entry.get(name), str) for name in ("level", "rule", "subject", "message")):
            yield "audits: expected level, rule, subject and message as text"
    for name, table in commit.tables.items():
        for file in table.files:
            folder = part_name(table.partition if file.partition is not None else None, file.partition)
            if not _is_value(table.partition, file) or file.name.rpartition("/")[0] != folder.rpartition("/")[0]:
                yield f"tables.{name}: expected a file of the partition {file.partition!r}, found {file.name!r}"
        if max(table.rows, table.bytes) >= 2**63:
            yield f"tables.{name}: expected a number of rows and bytes that a column of 64 bits can hold"
        if len({file.name for file in table.files}) < len(table.files):
            yield f"tables.{name}: expected each file once"
        yield from (f"tables.{name}: {finding}" for finding in fields.findings(table.fields))
        names = [entry.get("name") for entry in table.fields]
        if names and any(names.count(key) != 1 for key in table.primary_key):
            yield f"tables.{name}: expected each column of its key among its fields"
        if len(set(table.primary_key)) < len(table.primary_key):
            yield f"tables.{name}: expected each column of its key once"


def _is_dated(snapshot: str) -> bool:
    try:
        datetime.strptime(snapshot.partition("-")[0], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return False
    return True


def _is_value(partition: str | None, file: "DataFile") -> bool:
    """Tell whether a file has a value that its table's partition can have: a generation, or a resource's name.

    The one file of a table without rows may have none.
    """
    if file.partition is None:
        return partition is None or file.rows == 0
    if isinstance(file.partition, int):
        return partition not in (None, _OF_DOCUMENTS)
    return partition not in (None, PARTITION) and is_resource_name(file.partition)


def first(seqs: Iterable[int], read: Callable[[int], "Commit"]) -> "Commit | None":
    """Return the commit with the first of these numbers that has one; objects that are none are passed over."""
    return next((commit for seq in seqs if (commit := accepted(seq, read)) is not None), None)


def accepted(seq: int, read: Callable[[int], "Commit"]) -> "Commit | None":
    """Return a commit; None if the object is none, which a warning says, or if it was forgotten since it was listed."""
    try:
        return read(seq)
    except NoCommitError as error:
        warn(error)
    except MissingObjectError:
        pass
    return None


def warn(error: NoCommitError) -> None:
    """Say once in each process that an object is passed over."""
    _warn_once(str(error))


@cache
def _warn_once(message: str) -> None:
    logging.getLogger(__name__).warning("%s; it is passed over", message)
