"""The numbers of a run: its documents and requests, its requests to S3, the seconds of its phases, and its memory."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from flows.steps.logs import note
from lake.text import counted
from lake.traffic import requests_to_s3

_MB = 1_000_000

# The seconds of a run that belong to none of its phases.
_OTHER = "other"


@dataclass(slots=True)
class Numbers:
    """What a run has done so far. `documents` were answered in this run, `sent` of them with a body.

    `requests` and `bytes` are those of the source, `s3` the requests to S3 of each kind, `seconds` those of each phase.
    A run that asks no source (`asks` is false) has no numbers of one.
    """

    asks: bool = True

    documents: int = 0
    sent: int = 0
    requests: int = 0
    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _s3_before: Counter[str] = field(default_factory=requests_to_s3)

    @property
    def s3(self) -> Counter[str]:
        """The requests to S3 by kind, of everything in this process since the run began."""
        return requests_to_s3() - self._s3_before

    @property
    def total_seconds(self) -> float:
        """The seconds since the run began."""
        return time.monotonic() - self._began

    def spent(self, total: float) -> dict[str, float]:
        """Return the seconds of each phase, in tenths, and as `other` what is left of the total.

        A run that had no phase has only its total.
        """
        spent = {phase: round(seconds, 1) for phase, seconds in self.seconds.items()}
        rest = round(total - sum(spent.values()), 1)
        return {**spent, _OTHER: rest} if spent and rest > 0 else spent

    def facts(self) -> dict[str, int | float | None]:
        """Return every number by its name, as the event and the artifact have it."""
        s3, total = self.s3, round(self.total_seconds, 1)
        of_source = {
            "documents": self.documents,
            "sent": self.sent,
            "requests": self.requests,
            "bytes": self.bytes,
        }
        return {
            **(of_source if self.asks else {}),
            "s3_requests": s3.total(),
            **{f"s3_{kind}": count for kind, count in s3.most_common()},
            "seconds": total,
            **{f"seconds_{phase}": spent for phase, spent in self.spent(total).items()},
            "peak_mb": peak_mb(),
        }

    def line(self) -> str:
        """Return the numbers as one line for the run's log."""
        s3, total = self.s3, round(self.total_seconds, 1)
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in s3.most_common())
        phases = ", ".join(f"{phase} {spent:.1f}" for phase, spent in self.spent(total).items())
        peak = peak_mb()
        of_source = (
            f"{counted(self.documents, 'document')} ({self.sent:,} sent) by {counted(self.requests, 'request')},"
            f" {self.bytes / _MB:,.1f} MB; "
        )
        return (
            (of_source if self.asks else "")
            + f"{counted(s3.total(), 'request')} to S3{f' ({kinds})' if kinds else ''};"
            + f" {total:,.1f} s{f' ({phases})' if phases else ''}"
            + (f"; at most {peak:,} MB of memory" if peak is not None else "")
        )


_RUN: ContextVar[Numbers] = ContextVar("_RUN")


def numbers() -> Numbers:
    """Return the numbers of the run in whose context this is called; outside of one, numbers that nobody reads."""
    return _RUN.get(None) or Numbers()


@contextmanager
def counting(asks: bool = True) -> Iterator[Numbers]:
    """Begin the numbers of a run, which asks a source or does not; its tasks inherit them with its context."""
    token = _RUN.set(Numbers(asks))
    try:
        yield _RUN.get()
    finally:
        _RUN.reset(token)


@contextmanager
def phase(name: str, said: str) -> Iterator[None]:
    """Say in the run's log what begins, and count the seconds that it takes."""
    note(said)
    began = time.monotonic()
    try:
        yield
    finally:
        seconds = numbers().seconds
        seconds[name] = seconds.get(name, 0) + time.monotonic() - began


def peak_mb() -> int | None:
    """Return the most memory that this process ever had, in MB; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return peak // _MB if sys.platform == "darwin" else peak * 1024 // _MB
