"""The guard of `make check`: only a test that is marked as `server` starts a Prefect server."""

import os
import subprocess
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

# The test that runs now, if one does; `conftest.py` says which.
AT_WORK: list[pytest.Item] = []


def refuse_servers(start: Callable[..., None]) -> Callable[..., None]:
    """Let a test that is not marked start no Prefect server, because `make check` would wait for it."""

    @wraps(start)
    def start_process(process: subprocess.Popen[Any], args: Any, *more: Any, **options: Any) -> None:
        if AT_WORK and not AT_WORK[0].get_closest_marker("server"):
            command = [args] if isinstance(args, str | bytes | os.PathLike) else [str(part) for part in args]
            assert not {"server", "start"} <= set(command), f"only a test marked as `server` may run {command}"
        start(process, args, *more, **options)

    return start_process
