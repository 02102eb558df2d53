"""What a process has started ends with it, also if nothing is left of the process to end it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import is_gone, until

# It starts one that starts another in a group of its own, as Prefect's worker does, and says who they are.
STACK = """
import subprocess, sys, time
from flows.local.guard import guarded
run = "import subprocess, time; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid, flush=True);"
with guarded() as watch:
    watch(sys.argv[1])
    worker = subprocess.Popen([sys.executable, "-c", f"{run} time.sleep(60)"], start_new_session=True)
    watch(worker.pid)
    print(worker.pid, flush=True)
    time.sleep(60)
"""


def test_the_parts_and_the_folder_of_a_process_that_is_killed_are_gone(tmp_path: Path):
    folder = tmp_path / "stack"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", STACK, str(folder)], stdout=subprocess.PIPE) as stack:
        assert stack.stdout is not None
        started = [int(stack.stdout.readline()) for _ in range(2)]
        assert not any(is_gone(pid) for pid in started)
        os.kill(stack.pid, signal.SIGKILL)
        until(lambda: all(is_gone(pid) for pid in started) and not folder.exists(), every=0.05, seconds=15)
