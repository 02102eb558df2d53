"""The settings of Prefect that a command makes before it loads Prefect, which reads them then."""

import atexit
import gc
import os
import sys

from lake.proxies import check_proxies

# Prefect logs only if the environment asks it to, and a command contacts no server that it was not told to.
QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    # What Prefect says of its own threads, such as the one for events; it is at ERROR whatever the level above is.
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Prefect's client counts for itself, and says so once in every new home.
    "DO_NOT_TRACK": "1",
}

# The server records task runs in batches; one by one they would keep it busy for half a minute after a crawl.
RECORDER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


def prepare_prefect() -> None:
    """Put `QUIET` and `RECORDER` into the environment, except what is set there; call this before Prefect is loaded.

    Raises:
        LakeError: The environment names a proxy that cannot be one.
    """
    check_proxies()
    atexit.register(_skip_last_search)
    for name, value in {**QUIET, **RECORDER}.items():
        os.environ.setdefault(name, value)


def _skip_last_search() -> None:
    """Let Python look for no garbage at its end, which takes half a second among the million objects of Prefect.

    DuckDB prints a line for each of its own objects that is left then, so where it is loaded, all are searched.
    """
    if "duckdb" in sys.modules:
        gc.unfreeze()
    else:
        gc.freeze()
