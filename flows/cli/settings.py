"""What is set before Prefect is loaded, which reads its settings then."""

import os

# Prefect's log is for those who ask for it, and a command calls nobody but whom it was told to.
QUIET = {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

# Task runs are recorded in batches, or the server is busy with them for half a minute after a crawl.
RECORDER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


def prepare_prefect() -> None:
    """Set what Prefect reads when it is loaded: its log is for those who ask for it, records are written in batches."""
    for name, value in {**QUIET, **RECORDER}.items():
        os.environ.setdefault(name, value)
