"""What an operator tells or asks a crawl while it runs: to ask slower or faster, to stop, or how far it is."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, ParamSpec, Self
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.client.schemas import State
from prefect.context import SettingsContext, get_settings_context
from prefect.input import RunInput, receive_input
from prefect.input.actions import create_flow_run_input, delete_flow_run_input
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from blocks.limit import Allowance
from flows.steps.deadline import kept
from flows.steps.outcome import Outcome, ended
from flows.steps.progress import CrawlReport
from flows.steps.shares import Shares
from lake.crawl import Fetcher, Source
from lake.errors import StoppedError
from lake.text import counted

_P = ParamSpec("_P")

Words = Literal["slower", "faster", "stop", "status"]

# The server is asked this often, by a run that crawls.
POLL_SECONDS = 3

# A server that does not answer within this time is asked again later; the crawl does not wait for it.
ANSWER_SECONDS = 5

# One order halves or doubles the pace.
STEP = 2


def stoppable(body: Callable[_P, State[Any]]) -> Callable[_P, State[Any]]:
    """Let a flow that was told to stop end well, because it did what it was told."""

    @wraps(body)
    def run(*arguments: _P.args, **options: _P.kwargs) -> State[Any]:
        try:
            return body(*arguments, **options)
        except StoppedError as error:
            return ended(str(error), Outcome.STOPPED)

    return run


class Order(RunInput):
    """One order to a run that crawls, or a question; a sender that names itself gets an answer."""

    order: Words


def answer_key(sender: str) -> str:
    """Return the key of the run's input in which it answers somebody."""
    return f"answer-{sender}"


class Orders:
    """Takes the orders to this flow run while a ``with`` block runs, in a thread of its own, and answers each.

    It holds the crawl's own pace, 0 for no limit, and whether the crawl is to stop; another run's pace stays as it is.
    `allowance` is what all runs together may ask; without it, no limit is theirs.
    """

    allowance: Allowance | None = None

    def __init__(self, fetcher: Fetcher | Shares, source: Source, report: CrawlReport) -> None:
        self._fetcher, self._source, self._report = fetcher, source, report
        self.requests_per_second = source.requests_per_second
        self.run: UUID | None = None
        self._ended = threading.Event()
        self.is_stopped = False
        report.live, report.pace = lambda: fetcher.documents, lambda: self.requests_per_second

    def __enter__(self) -> Self:
        if (run := runtime.flow_run.id) is not None:
            self.run = UUID(run)
            threading.Thread(
                target=self._listen,
                args=(self.run, get_settings_context(), get_run_logger()),
                name="orders",
                daemon=True,
            ).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._ended.set()

    def require_wanted(self) -> None:
        """Raise `StoppedError` if the crawl was told to stop, `SourceError` if it was ended otherwise."""
        self._fetcher.require_open()
        if self.is_stopped:
            raise StoppedError("an operator told the run to stop")

    def take(self, order: Words, log: Any) -> str:
        """Carry out one order, and return what it does, how far the crawl is, and what comes next."""
        if order == "status":
            return self._status()
        log.info("told: %s", order)
        if order == "stop":
            self.is_stopped = True
            self._fetcher.stop()
            answer = (
                f"stops within seconds: {self._report.count()} are {kept(self._source, self._report.total)};"
                " the next run goes on from there"
            )
        elif order == "slower":
            answer = self._set(self._pace() / STEP)
        elif self.requests_per_second:
            answer = self._set(self.requests_per_second * STEP)
        else:
            answer = f"cannot go faster, because it has no limit of requests a second; {self._report.line()}"
        log.info("this run %s", answer)
        return answer

    def _pace(self) -> float:
        """Return the requests a second that are allowed, or, without a limit, about as many as are made."""
        return self.requests_per_second or max(1.0, self._report.rate or 0.0)

    def _set(self, rate: float) -> str:
        before, self.requests_per_second = self.requests_per_second, rate
        self._fetcher.set_rate(rate)
        self._report.pace_changed()
        return f"goes on with {_limit(rate)} (before: {_number(before)}){self._others()}; {self._report.line()}"

    def _status(self) -> str:
        if self.is_stopped:
            return f"was told to stop, and stops within seconds: {self._report.count()} are done"
        pace, own = self.requests_per_second, self._source.requests_per_second
        why = "by its settings" if pace == own else f"as it was told (its settings: {_number(own)})"
        connections = counted(self._source.connections, "connection")
        return f"crawls with {_limit(pace)}, {why}, over {connections}{self._others()}; {self._report.line()}"

    def _others(self) -> str:
        """Name the limit that holds for all runs together, if there is one and it is in force."""
        if self.allowance is None or not self.allowance.is_in_force:
            return ""
        return f", and within the global limit {self._source.global_limit}, which all runs share"

    def _listen(self, run: UUID, settings: SettingsContext, log: Any) -> None:
        impatient = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: ANSWER_SECONDS}
        # The settings of the run and nothing else of its context: its client closes when the run ends.
        with settings.model_copy(), temporary_settings(impatient):
            received = receive_input(Order, flow_run_id=run, timeout=0, poll_interval=POLL_SECONDS)
            while not self._ended.is_set():
                try:
                    for order in received:
                        # The same run may crawl again, and must not take an order twice.
                        delete_flow_run_input(order.metadata.key, flow_run_id=run)
                        answer = self.take(order.order, log)
                        if sender := order.metadata.sender:
                            create_flow_run_input(answer_key(sender), answer, flow_run_id=run)
                except Exception as error:
                    # An order that is none, or a server that does not answer, never ends a crawl.
                    log.debug("no order was taken: %s", error)
                    self._ended.wait(POLL_SECONDS)


def _limit(requests_per_second: float) -> str:
    """Say a pace in words.

    >>> _limit(2.5), _limit(1), _limit(0)
    ('at most 2.5 requests a second', 'at most 1 request a second', 'no limit of requests a second')
    """
    if not requests_per_second:
        return "no limit of requests a second"
    return f"at most {requests_per_second:.3g} request{'' if requests_per_second == 1 else 's'} a second"


def _number(requests_per_second: float) -> str:
    return f"{requests_per_second:.3g}" if requests_per_second else "no limit"
