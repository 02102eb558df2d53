"""The catalog that follows a lake: after a publish, a database of AWS Glue shows the current snapshot.

The snapshot is published by then, so what fails here is a warning in the run's log.
"""

import logging
import os

from flows.steps.logs import note
from flows.steps.numbers import phase
from flows.steps.parameters import LakeLocation
from lake.bucket import command_on
from lake.catalog import register
from lake.store import Store
from lake.text import shown

# The database that shows what a run publishes; without it there is none, and Glue is not asked.
VARIABLE = "POKELAKE_CATALOG"


def show_in_catalog(lake: LakeLocation) -> None:
    """Have the database that the environment names show the lake's current snapshot, or say which command does."""
    if database := os.environ.get(VARIABLE, "").strip():
        with phase("catalog", f"registering in the database {shown(database)} of Glue"):
            _register(lake.open(), database)


def _register(store: Store, database: str) -> None:
    mend = f"`{command_on(store.uri(), 'catalog', '--database', database)}` mends it, as does the next publish"
    try:
        done = register(store, database)
    except Exception as error:
        note(f"the catalog {shown(database)} was not brought up to date: {_said(error)}; {mend}", logging.WARNING)
        return
    note(str(done))
    if done.refused:
        refused = "\n- ".join(done.refused)
        note(
            f"the catalog lacks tables, or shows them as they were; mend this, and {mend}:\n- {refused}",
            logging.WARNING,
        )


def _said(error: Exception) -> str:
    return shown(str(error) or type(error).__name__, 1_000)
