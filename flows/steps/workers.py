"""The workers of a cluster, as a run uses them: what submits tasks to them, how many work at once, and their code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner


@dataclass(frozen=True, slots=True)
class Workers:
    """What submits tasks to the workers of a cluster, and the version of the code that these have loaded.

    `count` tells how many tasks they can do at once now; workers come and go.
    """

    runner: TaskRunner[PrefectFuture[Any]]
    code: str
    count: Callable[[], int]
