"""Progress of a crawl: a bar on a terminal, an artifact and an event, all of the same numbers."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.objects import Artifact

from flows.steps.artifacts import artifact_key, create
from flows.steps.bar import progress
from flows.steps.events import report_progress
from flows.steps.logs import harmless
from flows.steps.markdown import cell
from lake.text import counted

# The artifact is brought up to date at most this often, and the event comes at most this often.
ARTIFACT_SECONDS, EVENT_SECONDS = 5.0, 30.0

# The rate is that of the last minute, and no rate before it was measured for so long.
MEASURED_SECONDS, LEAST_SECONDS = 60.0, 3.0

# The end of a crawl waits this long for an API that does not answer.
_PATIENCE_SECONDS = 5.0

# Takes how many more documents are done, and whether this run fetched them or found them fetched.
Note = Callable[[int, bool], None]


@contextmanager
def crawl_progress(report: "CrawlReport") -> Iterator[Note]:
    """Show how far a run is while the block runs, also to those who watch it in Prefect; nothing waits for them."""
    with progress(report.name, report.total) as advance:

        def note(done: int, is_fetched: bool) -> None:
            advance(done)
            report.note(done, is_fetched)

        # It needs the settings and the run of this thread.
        thread = threading.Thread(target=copy_context().run, args=(report.run,), name="progress", daemon=True)
        thread.start()
        try:
            yield note
        finally:
            report.ended.set()
            thread.join(_PATIENCE_SECONDS)


class CrawlReport:
    """How far a crawl is; tells Prefect, in a thread of its own, until it has ended.

    `live` tells how many documents were fetched so far, also of shards under way; `pace` how many a second are allowed,
    0 without a limit. Other long work has another name, and things of another kind; the event is of crawls,
    so it emits none.
    """

    def __init__(
        self, place: str, total: int, name: str = "crawl", thing: str = "document", emits: bool = True
    ) -> None:
        self.name, self.thing, self._emits = name, thing, emits
        self.ended = threading.Event()
        self.total = total
        self.live: Callable[[], int] = lambda: 0
        self.pace: Callable[[], float] = lambda: 0.0
        self._place = place
        self._kept = self._noted = 0
        self._began = time.monotonic()
        self._samples = deque([(self._began, 0)], maxlen=round(MEASURED_SECONDS / ARTIFACT_SECONDS) + 1)
        self._client: SyncPrefectClient | None = None
        self._artifact: Artifact | None = None
        self._is_reached = True

    def note(self, done: int, is_fetched: bool) -> None:
        """Take in that more documents are done, whole shards at once; only one thread may call this."""
        if is_fetched:
            self._noted += done
        else:
            self._kept += done

    @property
    def _fetched(self) -> int:
        return max(self._noted, min(self.live(), self.total - self._kept))

    @property
    def done(self) -> int:
        """Documents that are done: fetched now, or by an earlier run."""
        return self._kept + self._fetched

    def pace_changed(self) -> None:
        """Measure the rate anew, because what was fetched at another pace says nothing about it."""
        self._samples.clear()
        self._samples.append((time.monotonic(), self._fetched))

    @property
    def rate(self) -> float | None:
        """Documents that are fetched in a second now, over all of it at the end; None if it is too early to say."""
        now = time.monotonic()
        if self.done >= self.total:
            return self._fetched / max(now - self._began, 0.001)
        began, before = self._samples[0]
        return (self._fetched - before) / (now - began) if now - began >= LEAST_SECONDS else None

    def count(self) -> str:
        """Say how many documents are done, in words."""
        return f"{self.done:,} of {counted(self.total, self.thing)}"

    def line(self) -> str:
        """Say how far the crawl is, in words."""
        rate, done, said = self.rate, self.done, self.count()
        if rate is not None:
            said += f", {rate:,.1f} a second"
        if done < self.total and (expected := self.pace() if rate is None else rate):
            minutes = (self.total - done) / expected / 60
            said += f", {'less than a minute' if minutes < 1 else counted(round(minutes), 'minute')} left"
        return said

    def run(self) -> None:
        """Create the artifact, and bring it up to date until the crawl has ended; then once more.

        While the API is away, only its first failure is told, and the next try is the next time's.
        """
        told, emitted, next_event = -1, 0, 0.0
        while True:
            done = self.done
            is_over = self.ended.is_set()
            if done > emitted and (is_over or time.monotonic() >= next_event):
                if self._emits:
                    report_progress(done, self.total, self.rate or 0.0)
                emitted, next_event = done, time.monotonic() + EVENT_SECONDS
            self._samples.append((time.monotonic(), self._fetched))
            if done > told:
                with harmless(f"the progress of the {self.name}", is_said=self._is_reached):
                    self._is_reached = False
                    self._tell(100 * done / max(self.total, 1))
                    self._is_reached, told = True, done
            if is_over:
                return
            self.ended.wait(ARTIFACT_SECONDS)

    def _tell(self, percent: float) -> None:
        # The client of the run is its own thread's.
        self._client = self._client or get_client(sync_client=True)
        if self._artifact is None:
            key = artifact_key(self.name, self._place)
            self._artifact = create("progress", key, self._said(), percent, self._client)
        else:
            self._client.update_artifact(self._artifact.id, ArtifactUpdate(data=percent, description=self._said()))

    def _said(self) -> str:
        return f"{self.name.title()} of {cell(self._place)}: {self.line()}"
