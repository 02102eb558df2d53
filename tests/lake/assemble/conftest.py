"""What the tests of assembling stand on: tables of few documents that have several parts all the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings

from lake.publish import cut


@pytest.fixture(scope="module", autouse=True)
def _small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "PART_BYTES", 2_000)
        yield


def submit_at_once(pool: ThreadPoolExecutor, do: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Do what a thread of a pool would do, before the caller goes on."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    try:
        future.set_result(do(*args, **kwargs))
    except BaseException as error:
        future.set_exception(error)
    return future


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    """Start no thread in `make check`, because for so few documents that takes a fifth of the time; elsewhere do."""
    with pytest.MonkeyPatch.context() as patch:
        if settings.get_current_profile_name() == "dev":
            patch.setattr(ThreadPoolExecutor, "submit", submit_at_once)
        yield
