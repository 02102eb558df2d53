"""Damage: what lies in the bucket otherwise than commits say, in words for a person and as facts for a program."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from lake.bucket import command_on
from lake.commit import DataFile
from lake.errors import LakeError
from lake.publish.garbage import GRACE
from lake.text import counted, listed, minute

# `maintain` runs every week, and removes what is older than its grace period; what is older than both stays for ever,
# or nobody runs it.
YOUNG = GRACE + timedelta(days=8)

# Damage, and foreign objects, of which a message tells; there may be thousands.
TOLD = 20

# The table of documents, whose files are those of resources.
DOCUMENTS = "documents"


class Kind(StrEnum):
    """What is wrong.

    MISSING, SIZE, CONTENT: A file that a commit names is not there, is as long as another, or has another content.
    STRAY: A table's folder has an object that its commit does not name; who reads the folder reads it as well.
    NO_COMMIT: An object below ``commits/`` is none, whatever its name says.
    LOST_COMMIT: A commit follows one that is not there.
    """

    MISSING = "missing"
    SIZE = "size"
    CONTENT = "content"
    STRAY = "stray"
    NO_COMMIT = "no-commit"
    LOST_COMMIT = "lost-commit"


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong: where, what a commit says, what was found, and what to do.

    `snapshot` is that of the commit; `table` and `file` are those of a file that it names. If it is a file of an
    earlier snapshot, `repaired_by` names the one after it, if that one was published without the damage.
    """

    kind: Kind
    where: str
    expected: str
    found: str
    advice: str
    snapshot: str | None = None
    table: str | None = None
    file: DataFile | None = None
    repaired_by: str | None = None

    @property
    def subject(self) -> str | None:
        """What a commit that repairs it says it is about: the table, or the resource of documents."""
        is_documents = self.file is not None and self.table == DOCUMENTS
        return str(self.file.partition) if is_documents and self.file else self.table

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}; {self.advice}"

    def facts(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "kind": self.kind.value,
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
            "do": self.advice,
            "snapshot": self.snapshot,
            "table": self.table,
            "repaired_by": self.repaired_by,
        }


@dataclass(frozen=True, slots=True)
class Foreign:
    """Objects that no commit names, in a folder of their own, or one by itself.

    One that is young may be of a run in progress, or wait for `maintain`, which removes what runs have left.
    """

    where: str
    objects: int
    bytes: int
    youngest: datetime
    is_young: bool
    advice: str

    def __str__(self) -> str:
        size = f"{counted(self.objects, 'object')} with {counted(self.bytes, 'byte')}"
        return f"{self.where}: {size} that no commit names, last written {minute(self.youngest)}; {self.advice}"

    def facts(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "where": self.where,
            "objects": self.objects,
            "bytes": self.bytes,
            "youngest": self.youngest.isoformat(timespec="seconds"),
            "young": self.is_young,
            "do": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what is wrong.

    Of `commits` the objects of each were listed; the files of `snapshots` were read, `files` with `bytes` in all.
    """

    lake: str
    commits: int
    snapshots: tuple[str, ...]
    files: int
    bytes: int
    damages: tuple[Damage, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    @property
    def wrong(self) -> list[Damage]:
        """The damage that no later snapshot has repaired."""
        return [one for one in self.damages if one.repaired_by is None]

    @property
    def repaired(self) -> list[Damage]:
        """The damage of earlier snapshots that the one after each has repaired; readers of the earlier ones meet it."""
        return [one for one in self.damages if one.repaired_by is not None]

    @property
    def alarming(self) -> list[Foreign]:
        """The foreign objects that are old: no run that is under way has written them, and `maintain` left them."""
        return [one for one in self.foreign if not one.is_young]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong; what is foreign and young, or was repaired since, may be."""
        return not (self.wrong or self.alarming)

    def damaged(self, snapshot: str) -> dict[str, tuple[DataFile, ...]]:
        """Return the files of one snapshot that are missing or damaged, by table."""
        found = dict[str, tuple[DataFile, ...]]()
        for one in self.damages:
            if one.snapshot == snapshot and one.table is not None and one.file is not None:
                found[one.table] = (*found.get(one.table, ()), one.file)
        return found

    def repaired_in(self, later: str, snapshot: str) -> "Verification":
        """Return the same after a snapshot was published anew, as a later one, without its damage."""
        damages = (
            replace(one, repaired_by=later) if one.snapshot == snapshot and one.file is not None else one
            for one in self.damages
        )
        return replace(self, damages=tuple(damages))

    def line(self) -> str:
        """Say in one line what was looked at and whether it is whole."""
        of = self.snapshots[0] if len(self.snapshots) == 1 else counted(len(self.snapshots), "snapshot")
        read = f"{counted(self.files, 'file')} of {of}, {counted(self.bytes, 'byte')}, read against the commit"
        chain = f"{counted(self.commits, 'commit')} in the chain"
        if self.is_sound:
            young = f"; {counted(len(self.foreign), 'young leftover')} for maintain" if self.foreign else ""
            old = f"; {counted(len(self.repaired), 'damaged file')} of earlier snapshots" if self.repaired else ""
            return f"whole: {read}; {chain}{old and f'{old}, repaired since'}{young}"
        wrong = counted(len(self.wrong) + len(self.alarming), "finding")
        return f"damaged: {wrong} in {self.lake}; {read}; {chain}"

    def paragraphs(self, most: int | None = None) -> list[str]:
        """Return a paragraph for each thing that is wrong, or for the first ones, and how many more there are."""
        wrong: Sequence[Damage | Foreign] = [*self.wrong, *self.alarming]
        told = wrong if most is None else listed(wrong, most)
        more = [f"and {len(wrong) - len(told):,} more; --json has all"] if len(told) < len(wrong) else []
        return [*map(str, told), *more]

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "lake": self.lake,
            "sound": self.is_sound,
            "commits": self.commits,
            "snapshots": list(self.snapshots),
            "files": self.files,
            "bytes": self.bytes,
            "damaged": [one.facts() for one in self.damages],
            "foreign": [one.facts() for one in self.foreign],
        }

    def require_sound(self) -> None:
        """Raise `UnsoundError` if something is wrong."""
        if not self.is_sound:
            raise UnsoundError(self)


class UnsoundError(LakeError):
    """Something in the lake is damaged; `found` has all of it."""

    def __init__(self, found: Verification) -> None:
        super().__init__("\n- ".join((found.line(), *found.paragraphs(TOLD))))
        self.found = found


def file_advice(uri: str, snapshot: str, current: str | None, table: str) -> str:
    """Return what to do about a file of a snapshot that is missing or damaged."""
    if snapshot != current:
        return (
            "published files never change, so put back the object as it was published, from a version of the bucket or"
            " a backup; until then readers are refused this file of this earlier snapshot"
        )
    repair = f"run `{command_on(uri, 'verify', '--repair')}` (the parameter repair=true of the deployment verify)"
    if table == DOCUMENTS:
        return (
            f"{repair}, which takes these documents from another snapshot that has the same file whole; if none has,"
            f" run `{command_on(uri, 'refresh', '--force')}`, which fetches them anew"
        )
    return f"{repair}, which builds this table anew from the documents"
