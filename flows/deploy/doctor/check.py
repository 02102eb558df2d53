"""A check: the thing that was looked at, its status, what was found, and how to mend it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from flows.deploy.doctor.installation import Installation
from lake.errors import LakeError

Status = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a question: a status, what was found, and how to mend it; empty if nothing needs mending."""

    status: Status
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, and the name of the thing that it is about."""

    name: str
    status: Status
    found: str
    mend: str = ""

    def lines(self) -> list[str]:
        """Return the check as a person reads it."""
        mend = [f"{'':8} to mend it: {self.mend}"] if self.mend else []
        return [f"{self.status:8} {self.name}: {self.found}", *mend]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about an installation, and the names of those that must be ok before it is asked."""

    name: str
    ask: Callable[[Installation], Verdict]
    # The way to mend it if the question itself cannot be asked.
    mend: str
    needs: tuple[str, ...] = ()
    # The type of the pools that it concerns; None: all types. A question with a type needs the work pool.
    pool_type: str | None = None


def ok(found: str) -> Verdict:
    """Return the verdict that all is well."""
    return Verdict("ok", found)


def failed(found: str, mend: str) -> Verdict:
    """Return the verdict that something must be mended."""
    return Verdict("failed", found, mend)


def skipped(reason: str) -> Verdict:
    """Return the verdict that there was nothing to look at."""
    return Verdict("skipped", reason)


def judge(wrong: Sequence[tuple[str, str]], found: str) -> Verdict:
    """Return one verdict: failed, with all that is wrong and the ways to mend it, or ok with `found` if nothing is."""
    if not wrong:
        return ok(found)
    facts, ways = zip(*wrong, strict=True)
    return failed("; ".join(facts), "; ".join(dict.fromkeys(ways)))


def answer(question: Question, at: Installation, before: Mapping[str, Check]) -> Check:
    """Ask a question, unless one that it needs has failed; a question that cannot be asked has failed as well."""
    verdict = _reason_to_skip(question, at, before) or _asked(question, at)
    return Check(question.name, verdict.status, verdict.found, verdict.mend)


def _reason_to_skip(question: Question, at: Installation, before: Mapping[str, Check]) -> Verdict | None:
    for need in question.needs:
        if before[need].status == "failed":
            return skipped(f"not looked at: {need} failed")
        if before[need].status == "skipped":
            return skipped(before[need].found)
    if question.pool_type is not None and question.pool_type != at.pool.type:
        return skipped(f"not needed: the pool is of type {at.pool.type}")
    return None


def _asked(question: Question, at: Installation) -> Verdict:
    try:
        return question.ask(at)
    except LakeError as error:
        return failed(str(error), question.mend)
    except Exception as error:
        return failed(f"{type(error).__name__}: {' '.join(str(error).split())}", question.mend)
