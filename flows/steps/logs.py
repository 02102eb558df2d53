"""The log of a run: it has the lines of `lake`, and of an error of ours its paragraph, without the stack around it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prefect.logging.handlers import APILogHandler

from lake.crawl.process import CLOSED
from lake.errors import LakeError
from lake.text import shown

# What Prefect's engines log with, for flows and for tasks.
_RUNS = ("prefect.flow_runs", "prefect.task_runs")

# What says that a whole run ended by an error that is none of its flow's: first in the run's log, then beside it.
_ENGINE, _ENGINE_FIRST = "prefect.engine", "Engine execution exited with unexpected exception"

# What a task says that has nothing to say.
_EMPTY = {"Finished in state Completed()", "Finished in state Cached(type=COMPLETED)"}

# A task that fails has its error as a result, which is no JSON: it stands in the state and in the log, and is not kept.
_UNKEPT = "Failed to write result: "

# What our own code logs with where it knows no run: the library, and the waiting for Prefect's API.
_OURS = ("lake", "prefect.pokelake")

# A database in a file refuses a write in six while writes meet. After that many tries more the API counts as away.
_RETRIES = 2


def note(message: str, level: int = logging.INFO) -> None:
    """Say one line in the log of the run; outside of one, nothing."""
    with suppress(MissingContextError):
        get_run_logger().log(level, message)


@contextmanager
def harmless(what: str, is_said: bool = True) -> Iterator[None]:
    """Let an error of the block be a warning in the run's log: what only tells of a run must not end it or stop it."""
    try:
        with _few_retries():
            yield
    except Exception as error:
        level = logging.WARNING if is_said else logging.DEBUG
        note(f"{what} could not be told to Prefect: {shown(f'{type(error).__name__}: {error}')}", level)


def _few_retries() -> SettingsContext:
    """Return Prefect's settings with few retries, to be entered; Prefect itself would read all of them anew."""
    context = get_settings_context()
    client = context.settings.client.model_copy(update={"max_retries": _RETRIES})
    return SettingsContext(profile=context.profile, settings=context.settings.model_copy(update={"client": client}))


class _Plain(logging.Filter):
    """Takes the stack from an error that we raised ourselves, whose message says what to do, and drops empty lines.

    A crawl has a line of ours for each resource; between them, 160 tasks would say that they have finished. Where a run
    is cancelled, or one task has failed, all others would say that their fetcher was closed.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == _RUNS[1] and _is_empty(record.getMessage()):
            return False
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        said = str(error) if isinstance(error, LakeError) else _trouble(error)
        if said is not None:
            if record.getMessage() == _ENGINE_FIRST:
                return False
            record.msg, record.args, record.exc_info = said, (), None
        elif record.getMessage().startswith("Finished in state Failed("):
            # The state's message is the error, which was logged just before.
            record.msg, record.args = "Finished in state Failed", ()
        return True


def _trouble(error: BaseException | None) -> str | None:
    """Return what is wrong with Prefect's API and what to do, None if an error is none of its client's.

    A crawl has a process of its own for what it asks, so all others of httpx are of Prefect's client.
    """
    if not any(kind.__module__.partition(".")[0] == "httpx" for kind in type(error).__mro__):
        return None
    status = getattr(getattr(error, "response", None), "status_code", None)
    what = (
        f"Prefect's API refuses the key of this run (status {status}): save the valid one where PREFECT_API_KEY of this"
        " process comes from, and start the worker anew"
        if status in (401, 403)
        else f"Prefect's API cannot be used ({shown(f'{type(error).__name__}: {error}')}): look whether its server runs"
    )
    return (
        f"{what}. Nothing is half published. A run of a deployment is marked as crashed as soon as its heartbeats are"
        " missed, and starts again by itself; a crawl then goes on from what it fetched, within a day"
    )


def _is_empty(message: str) -> bool:
    """Tell whether a line of a task says nothing that another line does not say."""
    is_closed = message.startswith("Finished in state Failed(") and CLOSED in message
    return message in _EMPTY or message.startswith(_UNKEPT) or is_closed


_PLAIN = _Plain()


class _ToRun(APILogHandler):
    """Sends records to the log of one run, also from threads that know of none."""

    def __init__(self, run: UUID) -> None:
        super().__init__()
        self._run = str(run)

    def emit(self, record: logging.LogRecord) -> None:
        record.flow_run_id = self._run
        super().emit(record)


@contextmanager
def run_log(run: UUID) -> Iterator[None]:
    """Let the run's log have what `lake` logs while the block runs, from the level of the run's own log on."""
    for name in (*_RUNS, _ENGINE):
        # Adding it twice does nothing.
        logging.getLogger(name).addFilter(_PLAIN)
    level = logging.getLogger(_RUNS[0]).getEffectiveLevel()
    handler, library = _ToRun(run), logging.getLogger("lake")
    handler.setLevel(level)
    before = library.level
    # A command sets a level at which a run is silent; what `lake` warns of is seen all the same.
    library.setLevel(min(level, logging.WARNING))
    for name in _OURS:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in _OURS:
            logging.getLogger(name).removeHandler(handler)
        library.setLevel(before)
