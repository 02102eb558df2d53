"""Runs notebooks in a Jupyter kernel of their own, as their readers do."""

import tempfile
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

# A kernel starts in two seconds, and loads pandas, DuckDB and matplotlib in three.
CELL_SECONDS = 120


def execute(book: NotebookNode) -> None:
    """Run all cells of a notebook in order, in a kernel that has this environment and an empty working directory."""
    with tempfile.TemporaryDirectory(prefix="pokelake-kernel-") as folder, pytest.MonkeyPatch.context() as patch:
        # Nothing of the user's own Jupyter is read or written.
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, f"{folder}/{name.lower()}")
        # Else Jupyter warns of where it would look for its files if this were not set.
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        where: dict[str, Any] = {"metadata": {"path": folder}}
        NotebookClient(
            book,
            kernel_name="python3",
            # The kernel warns that it listens on loopback.
            extra_arguments=["--log-level=ERROR"],
            timeout=CELL_SECONDS,
            record_timing=False,
            resources=where,
        ).execute()
