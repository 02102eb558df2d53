"""Prefect servers on a copy of a database that is migrated already, which would take each of them eight seconds."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prefect.context import _temporary_global_settings_context, get_settings_context
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.stack import Stack, local_stack


@contextmanager
def quiet_stack(migrated: Path) -> Iterator[Stack]:
    """Run the local stack without a replica."""
    # The server may still write when it is stopped.
    with TemporaryDirectory(prefix="pokelake-", ignore_cleanup_errors=True) as folder:
        database = shutil.copy(migrated, Path(folder) / "prefect.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{database}")
            # Tests wait for events, which are saved every five seconds otherwise.
            patch.setenv("PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL", "1")
            with local_stack(None, lambda text: None) as stack:
                yield stack


@contextmanager
def prefect_api(migrated: Path) -> Iterator[str]:
    """Run a server, and point this process at its API; yield the URL. Prefect's own harness imports a whole server."""
    with quiet_stack(migrated) as stack:
        url = stack.environment["PREFECT_API_URL"]
        # A flow that sends heartbeats waits for up to a second before it ends.
        with (
            temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
            # For threads that tests start.
            _temporary_global_settings_context(get_settings_context()),
        ):
            yield url
