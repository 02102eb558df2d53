"""Findings of audits: what they mean for whoever publishes, in which order they are told, and how to allow one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lake.publish.check import SHOWN_ROWS
from lake.text import counted, listed, shown

# Characters of a finding's message, which the commit keeps, and of each name or value that it quotes.
MESSAGE_CHARACTERS = 4_000
QUOTED_CHARACTERS = 100


class Level(StrEnum):
    """What a finding means for whoever publishes.

    BLOCK: The snapshot is wrong and is not published, whatever is allowed. Mend the cause, and run again.
    ASK: The snapshot may be right, and only a person can know. It is not published until one accepts the finding, or
    runs again and allows it.
    WARN: The snapshot is published, and its commit keeps the finding.
    """

    BLOCK = "block"
    ASK = "ask"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found: its level, the rule, the table or resource, and a message with the facts.

    What asks also has them as numbers: rows, or documents, before and after.
    """

    level: Level
    rule: str
    subject: str
    message: str
    before: int | None = None
    after: int | None = None

    def __post_init__(self) -> None:
        # What it quotes may be any text of the source, or of a parent's commit.
        object.__setattr__(self, "message", shown(self.message, MESSAGE_CHARACTERS))

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"

    @property
    def name(self) -> str:
        """The name by which a person accepts it, such as ``deletions/pokemon``."""
        return f"{self.rule}/{self.subject}"

    @property
    def lost(self) -> int:
        """How many rows or documents are lost."""
        return (self.before or 0) - (self.after or 0)

    def entry(self) -> dict[str, Any]:
        """Return what a commit keeps of it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def questions(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that ask a person, the largest loss first."""
    asked = (finding for finding in findings if finding.level == Level.ASK)
    return sorted(asked, key=lambda finding: (-finding.lost, finding.name))


def refusals(findings: Iterable[Finding]) -> list[str]:
    """Say why a snapshot is not published, and what to do; nothing if it may be published."""
    every = list(findings)
    blocking, asked = [finding for finding in every if finding.level == Level.BLOCK], questions(every)
    told = listed(asked, SHOWN_ROWS)
    said = [*map(str, blocking), *map(str, told)]
    if rest := further(asked, len(told)):
        said.append(rest)
    if asked and not blocking:
        # A resource that may lose documents lets the tables that it fills lose rows.
        names = [finding.subject for finding in sorted(asked, key=lambda finding: finding.rule)]
        said.append(f"if that is right, {allowing(names)}")
    return said


def further(asked: Sequence[Finding], told: int) -> str:
    """Say how many findings there are beyond those that were told, the largest losses; nothing if there are none.

    `lake.text.listed` chooses those that are told.
    """
    more = len(asked) - told
    return f"and {counted(more, 'further finding')}, none of which lost more" if more > 0 else ""


def allowing(names: Sequence[str]) -> str:
    """Say how to allow losses, to whoever reads the message: at a terminal, or of a deployed run."""
    flags = " ".join(f"--allow-shrink {name}" for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"pass {flags} (the parameter allow_shrink=[{quoted}] of a deployment)"


def some(found: Sequence[object], limit: int = 3 * QUOTED_CHARACTERS) -> str:
    """Name the first few, each in at most so many characters, and add an ellipsis if there are more."""
    named = ", ".join(shown(str(one), limit) for one in found[:SHOWN_ROWS])
    return named + (", …" if len(found) > SHOWN_ROWS else "")
