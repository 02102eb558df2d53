"""Damage: what lies in the bucket otherwise than commits say, in words for a person and as facts for a program."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from lake.bucket import command_on
from lake.commit import DataFile
from lake.errors import LakeError
from lake.publish.foreign import Foreign, Origin
from lake.text import counted, listed

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

    def repaired_in(self, later: str) -> "Damage":
        """Return the same after a later snapshot was published without it."""
        known = f"repaired in {later}; this snapshot stays as it is, and its readers are refused this file"
        return replace(self, repaired_by=later, advice=known)

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
class Verification:
    """What was looked at, and what is wrong.

    Of `commits` the objects of each were listed; the files of `snapshots` were read, `files` with `bytes` in all.
    Those that were `asked` for by name must be whole, even if a later one has repaired them.
    """

    lake: str
    commits: int
    snapshots: tuple[str, ...]
    files: int
    bytes: int
    damages: tuple[Damage, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    asked: frozenset[str] = frozenset()

    @property
    def wrong(self) -> list[Damage]:
        """The damage that no later snapshot has repaired, and all of a snapshot that was asked for."""
        return [one for one in self.damages if one.repaired_by is None or one.snapshot in self.asked]

    @property
    def repaired(self) -> list[Damage]:
        """The damage of earlier snapshots that the one after each has repaired; readers of the earlier ones meet it."""
        return [one for one in self.damages if one.repaired_by is not None and one.snapshot not in self.asked]

    @property
    def alarming(self) -> list[Foreign]:
        """The foreign objects in the lake's folders that are old: no run under way has written them."""
        return [one for one in self.foreign if one.is_alarming]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong; what is foreign and young, or was repaired since, may be."""
        return not (self.wrong or self.alarming)

    @property
    def is_whole(self) -> bool:
        """Whether it is sound, and no file of the snapshots that were read is damaged, even if repaired since."""
        return self.is_sound and not any(one.snapshot in self.snapshots for one in self.damages)

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
            one.repaired_in(later) if one.snapshot == snapshot and one.file is not None else one for one in self.damages
        )
        return replace(self, damages=tuple(damages), asked=self.asked - {snapshot})

    def without(self, places: Collection[str]) -> "Verification":
        """Return the same after what was wrong in these places was mended."""
        return replace(self, damages=tuple(one for one in self.damages if one.where not in places))

    def line(self) -> str:
        """Say in one line what was looked at and whether it is whole."""
        of = self.snapshots[0] if len(self.snapshots) == 1 else counted(len(self.snapshots), "snapshot")
        read = f"{counted(self.files, 'file')} of {of}, {counted(self.bytes, 'byte')}, read against the commit"
        chain = f"{counted(self.commits, 'commit')} in the chain"
        old = f"{counted(len(self.repaired), 'damaged file')} of earlier snapshots, repaired since"
        if self.is_whole:
            return f"whole: {read}; {chain}{f'; {old}' if self.repaired else ''}{self._beside()}"
        if self.is_sound:
            return f"sound but for {old}: {read}; {chain}{self._beside()}"
        kinds = Counter(one.kind.value for one in self.wrong) + Counter(foreign=len(self.alarming))
        said = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
        return f"damaged: {counted(kinds.total(), 'finding')} in {self.lake} ({said}); {read}; {chain}"

    def _beside(self) -> str:
        """Say how much lies in the lake that no commit names: what maintain removes, and what is not the lake's."""
        left = sum(one.origin is Origin.LEFT for one in self.foreign)
        forgotten = sum(one.origin is Origin.FORGOTTEN for one in self.foreign)
        others = len(self.foreign) - left - forgotten
        said = [f"{counted(left, 'young leftover')} for maintain"] if left else []
        said += [f"{counted(forgotten, 'forgotten snapshot')}, which maintain removes"] if forgotten else []
        said += [f"{counted(others, 'foreign place')}"] if others else []
        return "".join(f"; {one}" for one in said)

    def paragraphs(self, most: int | None = None) -> list[str]:
        """Return a paragraph for each thing that is wrong, and then for what was repaired.

        Or for the first ones, and how many more there are.
        """
        wrong: Sequence[Damage | Foreign] = [*self.wrong, *self.alarming, *self.repaired]
        told = wrong if most is None else listed(wrong, most)
        more = [f"and {len(wrong) - len(told):,} more; --json has all"] if len(told) < len(wrong) else []
        return [*map(str, told), *more]

    def said(self) -> str:
        """Say it in a line, and in a paragraph for each of the first things that are wrong or were repaired."""
        return "\n- ".join((self.line(), *self.paragraphs(TOLD)))

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "lake": self.lake,
            "sound": self.is_sound,
            "whole": self.is_whole,
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
        super().__init__(found.said())
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
