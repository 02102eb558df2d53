"""Tables that other packages declare, as this one declares PokeAPI's: in Python, for a kind of source."""

import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lake.errors import LakeError
from lake.schema import Table
from lake.table_settings import TABLE_ENTRY_POINTS


@cache
def installed_tables(kind: str) -> tuple[Table, ...]:
    """Return the tables that an installed package declares for a kind of source; none if no package does.

    Raises:
        LakeError: What the package offers are no tables.
    """
    found = _load(kind)
    if found is None:
        return ()
    tables = tuple(getattr(found, "TABLES", ()))
    if not tables or not all(isinstance(table, Table) and table.resources for table in tables):
        raise LakeError(
            f"entry point {kind!r} of the group {TABLE_ENTRY_POINTS}: expected a module with TABLES, a tuple of"
            f" lake.schema.Table with resources, found {tables!r:.200}"
        )
    return tables


def installed_sources(kind: str) -> list[Path]:
    """Return the files whose code declares the tables of a kind of source: a package's, or a module's."""
    found = _load(kind)
    if found is None:
        return []
    module = sys.modules[found.__name__ if hasattr(found, "__path__") else getattr(found, "__module__", found.__name__)]
    path = Path(str(module.__file__))
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def _load(kind: str) -> Any:
    installed = entry_points(group=TABLE_ENTRY_POINTS)
    return installed[kind].load() if kind in installed.names else None
