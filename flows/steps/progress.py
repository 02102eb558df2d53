"""Progress of long work: a bar on a terminal, and of a crawl an artifact and an event, all of the same numbers."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.objects import Artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flows.steps.artifacts import artifact_key, create
from flows.steps.events import report_progress
from flows.steps.logs import harmless
from flows.steps.markdown import cell
from lake.assemble.build import Advance
from lake.text import counted

# The artifact is brought up to date at most this often, and the event comes at most this often.
ARTIFACT_SECONDS, EVENT_SECONDS = 5.0, 30.0

# The end of a crawl waits this long for an API that does not answer.
_PATIENCE_SECONDS = 5.0

# Takes how many more documents are done, and whether this run fetched them or found them fetched.
Note = Callable[[int, bool], None]


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """Show a bar while the block runs; yield the function that is told how many more steps are done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def crawl_progress(place: str, total: int) -> Iterator[Note]:
    """Show how far a crawl is while the block runs, also to those who watch it in Prefect; nothing waits for them."""
    report = _Report(place, total)
    with progress("crawl", total) as advance:

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


class _Report:
    """Tells Prefect how far a crawl is, in a thread of its own, until it has ended."""

    def __init__(self, place: str, total: int) -> None:
        self.ended = threading.Event()
        self._place, self._total = place, total
        self._done = self._fetched = 0
        self._began = time.monotonic()
        self._client: SyncPrefectClient | None = None
        self._artifact: Artifact | None = None
        self._is_reached = True

    def note(self, done: int, is_fetched: bool) -> None:
        """Take in that more documents are done; only one thread may call this."""
        self._done += done
        self._fetched += done * is_fetched

    @property
    def rate(self) -> float:
        """Documents that are fetched in a second."""
        return self._fetched / max(time.monotonic() - self._began, 0.001)

    def line(self) -> str:
        """Say how far the crawl is, in words."""
        said = f"{self._done:,} of {counted(self._total, 'document')}, {self.rate:,.1f} a second"
        if self._done < self._total and self._fetched:
            minutes = (self._total - self._done) / self.rate / 60
            said += f", {'less than a minute' if minutes < 1 else counted(round(minutes), 'minute')} left"
        return said

    def run(self) -> None:
        """Create the artifact, and bring it up to date until the crawl has ended; then once more.

        While the API is away, only its first failure is told, and the next try is the next time's.
        """
        told, emitted, next_event = -1, 0, 0.0
        while True:
            done = self._done
            is_over = self.ended.is_set()
            if done > emitted and (is_over or time.monotonic() >= next_event):
                report_progress(done, self._total, self.rate)
                emitted, next_event = done, time.monotonic() + EVENT_SECONDS
            if done > told:
                with harmless("the progress of the crawl", is_said=self._is_reached):
                    self._is_reached = False
                    self._tell(100 * done / max(self._total, 1))
                    self._is_reached, told = True, done
            if is_over:
                return
            self.ended.wait(ARTIFACT_SECONDS)

    def _tell(self, percent: float) -> None:
        # The client of the run is its own thread's.
        self._client = self._client or get_client(sync_client=True)
        if self._artifact is None:
            key = artifact_key("crawl", self._place)
            self._artifact = create("progress", key, self._said(), percent, self._client)
        else:
            self._client.update_artifact(self._artifact.id, ArtifactUpdate(data=percent, description=self._said()))

    def _said(self) -> str:
        return f"Crawl of {cell(self._place)}: {self.line()}"
