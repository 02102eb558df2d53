"""A check: the thing that was looked at, its status, what was found, and how to mend it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from flows.deploy.doctor.denied import lacking_right
from flows.deploy.doctor.installation import Installation
from lake.errors import LakeError

Status = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a question: a status, what was found, and how to mend it; empty if nothing needs mending.

    Each fact has a line, and so has each step of mending them.
    """

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

    def lines(self, width: int | None = None) -> list[str]:
        """Return the check as a person reads it, with one thing on a line; no command is broken, however long it is."""
        fact, *facts = self.found.splitlines() or [""]
        said = [f"{self.status:8} {self.name}: {fact}", *(f"{_INDENT}{fact}" for fact in facts)]
        if self.mend:
            step, *steps = self.mend.splitlines()
            said += [f"{_INDENT}to mend it: {step}", *(f"{_INDENT}  {step}" for step in steps)]
        return [line for text in said for line in _fit(text, width)]


_INDENT = " " * 9

# No space at which a line may be broken.
_TIED = "\xa0"


def _fit(text: str, width: int | None) -> Iterator[str]:
    """Yield the lines of a text in this width; what stands between backticks stays whole, so that it can be copied."""
    if width is None or len(text) <= width:
        yield text
        return
    words = text.lstrip()
    for line in wrap(
        re.sub("`[^`]*`", lambda found: found[0].replace(" ", _TIED), words),
        width,
        initial_indent=" " * (len(text) - len(words)),
        subsequent_indent=f"{_INDENT}  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield line.replace(_TIED, " ")


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
    return failed("\n".join(facts), "\n".join(dict.fromkeys(ways)))


def answer(question: Question, at: Installation, before: Mapping[str, Check]) -> Check:
    """Ask a question, unless one that it needs has failed; a question that cannot be asked has failed as well."""
    verdict = _reason_to_skip(question, at, before) or asked(question.ask, at, question.mend)
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


def asked(ask: Callable[[Installation], Verdict], at: Installation, mend: str) -> Verdict:
    """Return the answer to a question; one that cannot be asked has failed, and is mended in this way."""
    try:
        return ask(at)
    except LakeError as error:
        return failed(str(error), mend)
    except Exception as error:
        if right := lacking_right(error):
            return failed(
                f"not known, because whoever asks lacks the right {right}",
                "give it to whoever runs the doctor: `pokelake iam-policy setup` prints the policy",
            )
        return failed(f"{type(error).__name__}: {' '.join(str(error).split())}", mend)
