"""What an operator tells a crawl while it runs: to ask slower or faster, or to stop after the shards under way."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, ParamSpec, Self
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.client.schemas import State
from prefect.context import SettingsContext, get_settings_context
from prefect.input import RunInput, receive_input
from prefect.input.actions import delete_flow_run_input
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.steps.outcome import Outcome, ended
from lake.crawl import Fetcher
from lake.errors import StoppedError

_P = ParamSpec("_P")

Words = Literal["slower", "faster", "stop"]

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
    """One order to a run that crawls."""

    order: Words


class Orders:
    """Takes the orders to this flow run while a ``with`` block runs, in a thread of its own.

    It holds the crawl's own pace, 0 for no limit, and whether the crawl is to stop; another run's pace stays as it is.
    `requests` counts those that were made, because a crawl without a limit is slowed from the pace that it has.
    """

    def __init__(self, fetcher: Fetcher, requests_per_second: float) -> None:
        self._fetcher = fetcher
        self.requests_per_second = requests_per_second
        self.run: UUID | None = None
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self.requests = 0
        self.is_stopped = False

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

    def take(self, order: Words, log: Any) -> None:
        """Carry out one order, and say in the log what it does."""
        if order == "stop":
            self.is_stopped = True
            log.info("told to stop: the crawl ends after the shards under way, and the next run goes on from there")
        elif order == "slower":
            self._set(self._pace() / STEP, log)
        elif self.requests_per_second:
            self._set(self.requests_per_second * STEP, log)
        else:
            log.info("told to ask faster, but there is no limit of requests a second: nothing changes")

    def _pace(self) -> float:
        """Return the requests a second that are allowed, or, without a limit, those that were made."""
        seconds = time.monotonic() - self._begun
        return self.requests_per_second or max(1.0, self.requests / seconds if seconds else 1.0)

    def _set(self, rate: float, log: Any) -> None:
        self.requests_per_second = rate
        self._fetcher.set_rate(rate)
        log.info("told to change the pace: this run asks %.3g times a second from now on", rate)

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
                        self.take(order.order, log)
                except Exception as error:
                    # An order that is none, or a server that does not answer, never ends a crawl.
                    log.debug("no order was taken: %s", error)
                    self._ended.wait(POLL_SECONDS)
