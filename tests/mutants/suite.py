"""A checkout's tests: what each costs, in which order they run, and which of them fails first."""

import json
import os
import signal
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# Seconds that pytest may take beside its tests, and times what they took when they were measured.
START_SECONDS, PATIENCE = 300, 6

# What a test costs that was not measured.
UNMEASURED_SECONDS = 0.5

# Processes that were interrupted have this long to end.
END_SECONDS = 30

# pytest's: all passed; some failed; it was interrupted, as by a module that cannot be imported; a test is not there.
PASSED, FAILED, INTERRUPTED, USAGE = 0, 1, 2, 4


@dataclass(frozen=True)
class Result:
    """How a run of tests ended: ``survived``, ``caught`` by a test for a reason, ``timeout``, or pytest's ``error``."""

    verdict: str
    test: str = ""
    reason: str = ""


class Suite:
    """A checkout's tests. Holds their names, what they cost, and which were seen to pass without any fault."""

    def __init__(self, root: Path, python: Path, junit: Path | None) -> None:
        self._root = root
        self._command = [str(python), "-m", "pytest", "-q", "-p", "no:randomly", "--hypothesis-seed=0"]
        self._environment = {**os.environ, "PYTHONPATH": str(root)}
        cases = [case.attrib for case in ElementTree.parse(junit).iter("testcase")] if junit else []
        measured = {(case["classname"], case["name"]): float(case["time"]) for case in cases}
        self._tests = self._collected()
        names = {test: reported(test) for test in self._tests}
        self._seconds = {test: measured[name] for test, name in names.items() if name in measured}
        self._steady: dict[str, bool] = {}

    def seconds(self, test: str) -> float:
        """Return what a test took when it was measured."""
        return self._seconds.get(test, UNMEASURED_SECONDS)

    def order(self, reaching: Mapping[str, set[str]]) -> list[str]:
        """Return the tests that reach a line, the cheapest first, and then those that may share what a setup made."""
        dearest: dict[str, float] = defaultdict(float)
        for test in self._tests:
            dearest[file_of(test)] = max(dearest[file_of(test)], self.seconds(test))

        def cost(test: str) -> tuple[float, str]:
            # What a file's tests share is made by the first of them, and often is most of what they cost.
            return self.seconds(test) + dearest[file_of(test)] / 4, test

        shared = {file_of(test) for test, phases in reaching.items() if "setup" in phases}
        beside = [test for test in self._tests if file_of(test) in shared and test not in reaching]
        return sorted(reaching.keys() & set(self._tests), key=cost) + sorted(beside, key=cost)

    def run(self, tests: Sequence[str]) -> Result:
        """Run tests until one fails."""
        limit = START_SECONDS + PATIENCE * sum(map(self.seconds, tests))
        with tempfile.TemporaryDirectory() as folder:
            process = self._start("-x", "-o", f"cache_dir={folder}", *tests)
            try:
                output, _ = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                return Result("timeout", reason=f"no end of {len(tests)} tests after {limit:.0f} s")
            finally:
                end(process)
            last_failed = Path(folder, "v", "cache", "lastfailed")
            failed = next(iter(json.loads(last_failed.read_text())), "") if last_failed.exists() else ""
        if process.returncode == PASSED:
            return Result("survived")
        if process.returncode == USAGE and any("::" in test for test in tests):
            # The names of tests hold their parameters, and these may come from the code that has the fault.
            return self.run(sorted(set(map(file_of, tests))))
        if process.returncode in (FAILED, INTERRUPTED) and failed:
            reasons = [line[1:].strip() for line in output.splitlines() if line.startswith("E  ")]
            return Result("caught", failed, reasons[0][:200] if reasons else "")
        return Result("error", reason=output[-2000:])

    def passes(self, test: str) -> bool:
        """Return whether a test passes without any fault; call it when there is none, and it runs each test once."""
        if test not in self._steady:
            self._steady[test] = self.run([test] if "::" in test else [test, "--collect-only"]).verdict == "survived"
        return self._steady[test]

    def _collected(self) -> list[str]:
        output, _ = self._start("--collect-only").communicate()
        return [line for line in output.splitlines() if "::" in line]

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, *arguments],
            cwd=self._root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )


def file_of(test: str) -> str:
    """Return the file of a test's name."""
    return test.partition("::")[0]


def reported(test: str) -> tuple[str, str]:
    """Return the names that a test's class and function have in pytest's XML.

    >>> reported("tests/lake/test_layout.py::TestKeys::test_a_key_parses_back[a::b]")
    ('tests.lake.test_layout.TestKeys', 'test_a_key_parses_back[a::b]')
    """
    names, bracket, parameters = test.partition("[")
    file, *classes, function = names.split("::")
    return ".".join([file.removesuffix(".py").replace("/", "."), *classes]), function + bracket + parameters


def end(process: subprocess.Popen[str]) -> None:
    """End pytest, in its own way at first, and whatever it has started."""
    if process.poll() is not None:
        return
    started = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    for pid in started & set(parents()):
        os.kill(pid, signal.SIGKILL)


def parents() -> dict[int, int]:
    """Return the parent of each process of this machine."""
    said = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return {int(pid): int(parent) for pid, parent in map(str.split, said.splitlines())}


def descendants(pid: int) -> set[int]:
    """Return the processes that one has started, and those that they have."""
    known, found = parents(), {pid}
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return found - {pid}
