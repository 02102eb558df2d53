"""What keeps `make check` fast: whoever needs a server is marked, and nobody else can start one."""

import subprocess
import sys

import pytest

# Ends at once where nothing keeps it from being started.
SERVER = [sys.executable, "-c", "", "prefect", "server", "start"]


def test_without_its_mark_a_test_starts_no_server():
    with pytest.raises(AssertionError, match="only a test marked as `server`"):
        subprocess.run(SERVER)


@pytest.mark.server
def test_with_its_mark_a_test_may_start_one():
    assert subprocess.run(SERVER).returncode == 0
