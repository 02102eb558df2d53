"""Show that two versions of the suite catch the same faults: draw lines, break each, and run the tests that reach it.

1. ``python -m tests.mutants pick TREE COVERAGE MUTANTS`` draws 40 statements inside functions, of those that some test
   reaches, and writes a mutant of each to MUTANTS, as lines of JSON. Seed and number stand in ``checkout.py``.
2. ``python -m tests.mutants run TREE COVERAGE MUTANTS VERDICTS --junit JUNIT`` puts each of them into TREE, runs the
   tests that reach its line until one fails, takes it out again, and adds a verdict to VERDICTS: ``caught`` by a test
   that passes without it, ``survived``, ``timeout``, ``unreached``, ``missing`` or ``error``. It leaves out what has a
   verdict. JUNIT says what tests cost; the cheapest run first. A mutant is found by its function and its statement,
   wherever they lie. Those that were renamed are ``missing`` until ``--mapping FILE`` says what they are now, as
   ``{"7": {"function": "Lake.open", "statement": "return self._at(key)"}}``; ``before`` and ``after`` go there as well.
3. ``python -m tests.mutants compare BEFORE AFTER`` prints two files of verdicts side by side, and fails if a mutant
   that was caught no longer is.

COVERAGE is one file of combined data whose contexts name tests: those of ``pytest --cov-context=test``, and
``${PYTEST_CURRENT_TEST-none}`` in the processes that tests start. These must read the configuration themselves, from
``COVERAGE_PROCESS_START``: with ``patch = subprocess`` they are handed the context of the process that starts them.

TREE is a checkout of its own that nobody else works in, and whose ``.venv`` imports the packages from it: some tests
start programs without ``PYTHONPATH``.
"""

import argparse
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.mutants.checkout import PACKAGES, Checkout, Mutant
from tests.mutants.mutation import Place, apply
from tests.mutants.suite import Result, Suite, file_of

# The cheapest tests run by themselves at first; most mutants are caught there.
FIRST = 40

# Beside a file that has a fault lies the file without it.
ORIGINAL = ".original"

CAUGHT = ("caught", "timeout")


def pick(at: argparse.Namespace) -> int:
    """Write the mutants of a checkout."""
    mutants = list(Checkout(at.tree, at.coverage).pick(tuple(at.without)))
    if not mutants:
        sys.exit(f"{at.coverage}: no context in it names a test that reaches a line of {at.tree}")
    at.mutants.write_text("".join(json.dumps(asdict(mutant)) + "\n" for mutant in mutants))
    for mutant in mutants:
        print(f"{mutant.id:3} {mutant.file} {mutant.function}\n      {mutant.statement}\n      {change(mutant)}")
    return 0


def run(at: argparse.Namespace) -> int:
    """Write a verdict on each mutant."""
    restore(at.tree)
    checkout = Checkout(at.tree, at.coverage)
    suite = Suite(at.tree, at.tree / ".venv" / "bin" / "python", at.junit)
    mapping = json.loads(at.mapping.read_text()) if at.mapping else {}
    done = verdicts(at.verdicts) if at.verdicts.exists() else {}
    for line in read(at.mutants):
        if line["id"] in done:
            continue
        mutant = replace(Mutant(**line), **mapping.get(str(line["id"]), {}))
        began = time.monotonic()
        verdict = {**asdict(mutant), **examine(checkout, suite, mutant, at), "seconds": round(time.monotonic() - began)}
        with at.verdicts.open("a") as file:
            file.write(json.dumps(verdict) + "\n")
        print(f"{mutant.id:3} {verdict['verdict']:9} {verdict['seconds']:4} s  {verdict.get('test', '')}", flush=True)
    print(dict(Counter(found["verdict"] for found in verdicts(at.verdicts).values())))
    return 0


def examine(checkout: Checkout, suite: Suite, mutant: Mutant, at: argparse.Namespace) -> dict[str, Any]:
    """Put one mutant into the checkout, and return what its tests say."""
    found = checkout.find(mutant)
    if len(found) != 1:
        return {"verdict": "missing", "reason": f"found {len(found)} times: {', '.join(file for _, file, _ in found)}"}
    [(how, file, place)] = found
    tests = suite.order(checkout.tests(file, place.lines))
    said = {"found": how, "file": file, "line": place.lines.start, "reaching": len(tests)}
    if not tests:
        return {**said, "verdict": "unreached"}
    unsteady: list[str] = []
    spent = accumulate(map(suite.seconds, tests))
    affordable = [test for test, seconds in zip(tests, spent, strict=True) if seconds <= at.budget]
    for batch in (affordable[:FIRST], affordable[FIRST:]):
        while batch:
            with fault(at.tree / file, place):
                result = suite.run(batch)
            if result.verdict == "survived":
                break
            if result.verdict != "caught" or suite.passes(result.test):
                return {**said, **asdict(result), "unsteady": unsteady}
            # It fails without the fault as well, and says nothing about it.
            unsteady.append(result.test)
            batch = [test for test in batch if result.test not in (test, file_of(test))]
    return {**said, **asdict(Result("survived")), "unsteady": unsteady, "unrun": len(tests) - len(affordable)}


@contextmanager
def fault(path: Path, place: Place) -> Iterator[None]:
    """Have a fault in a file for a while."""
    original = path.with_name(path.name + ORIGINAL)
    # It keeps its time: by this and its size, Python knows the bytecode of a file from that of the file with the fault.
    path.rename(original)
    try:
        path.write_text(apply(original.read_text(), place))
        yield
    finally:
        original.replace(path)


def restore(tree: Path) -> None:
    """Take out the fault that a killed run has left."""
    for package in PACKAGES:
        for original in (tree / package).rglob(f"*.py{ORIGINAL}"):
            original.replace(original.with_suffix(""))


def compare(at: argparse.Namespace) -> int:
    """Print two files of verdicts side by side; fail if what was caught before is not caught after."""
    before, after = verdicts(at.before), verdicts(at.after)
    lost = 0
    for number, was in sorted(before.items()):
        now = after.get(number, {"verdict": "not run"})
        is_lost = was["verdict"] in CAUGHT and now["verdict"] not in CAUGHT
        lost += is_lost
        names = f"{was['function']}: {change(was)}"
        print(f"{'!' if is_lost else ' '}{number:3} {was['verdict']:9} {now['verdict']:9} {names[:140]}")
    for name, found in (("before", before), ("after", after)):
        print(f"{name}: {dict(Counter(item['verdict'] for item in found.values()))}")
    return 1 if lost else 0


def change(mutant: Any) -> str:
    """Say what a mutant replaces, in one line."""
    fields = mutant if isinstance(mutant, dict) else asdict(mutant)
    return f"{fields['before']}  ->  {fields['after']}"


def read(path: Path) -> list[dict[str, Any]]:
    """Read lines of JSON."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def verdicts(path: Path) -> dict[int, dict[str, Any]]:
    """Read verdicts by the number of their mutant; the last one holds."""
    return {line["id"]: line for line in read(path)}


def main() -> int:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for act, names in (
        (pick, "tree coverage mutants"),
        (run, "tree coverage mutants verdicts"),
        (compare, "before after"),
    ):
        command = commands.add_parser(act.__name__, help=act.__doc__)
        command.set_defaults(act=act)
        for name in names.split():
            command.add_argument(name, type=lambda text: Path(text).resolve())
        if act is pick:
            command.add_argument(
                "--without", nargs="*", default=["flows/local/"], help="leave these folders or files out"
            )
        if act is run:
            command.add_argument("--junit", type=Path, help="pytest's XML report of a whole run")
            command.add_argument("--mapping", type=Path, help="what was renamed, as JSON")
            command.add_argument("--budget", type=float, default=900, help="seconds of tests that one mutant may take")
    at = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return int(at.act(at))


if __name__ == "__main__":
    sys.exit(main())
