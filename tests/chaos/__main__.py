"""``python -m tests.chaos PART``: run one part of the harness, or all, and end with a table.

``make chaos`` runs all parts, ``make chaos CHAOS=kills`` one of them, and ``make chaos CHAOS="kills --points 5"`` few
points of it. A part takes at most fifteen minutes on two cores.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.chaos.checks import KINDS, Point
from tests.chaos.world import local_world

PARTS = ("kills", "crawls", "races", "prefect_weather", "s3_weather", "source_weather", "hostile")


def table(points: Sequence[Point], notes: Sequence[str]) -> str:
    """Return what became of all points, a line for each part."""
    found: defaultdict[str, list[Point]] = defaultdict(list)
    for point in points:
        found[point.part].append(point)
    of = dict(note.split(": ", 1) for note in notes)
    lines = [f"{'part':24}{'points':>8}{'survived':>10}{'torn':>7}{'lost':>7}{'left':>7}{'seconds':>9}  seen"]
    for part, of_part in found.items():
        counts = [sum(any(kind == found for found, _ in point.breaches) for point in of_part) for kind in KINDS]
        survived = sum(not point.breaches for point in of_part)
        numbers = "".join(f"{count:7}" for count in counts)
        seconds = sum(point.seconds for point in of_part)
        lines.append(f"{part:24}{len(of_part):8}{survived:10}{numbers}{seconds:9.0f}  {of.get(part, '')}".rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run what is asked for; return 1 if a promise did not hold somewhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("all", *PARTS), nargs="?", default="all")
    parser.add_argument("--points", type=int, help="points of each line of the table; default: as many as fit")
    parser.add_argument("--seed", type=int, default=0, help="of what is chosen at random")
    parser.add_argument("--only", default="", help="lines of the table whose names hold this")
    at = parser.parse_args()
    # What was started must end with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    points: list[Point] = []
    notes: list[str] = []
    try:
        for name in PARTS if at.part == "all" else (at.part,):
            part = import_module(f"tests.chaos.{name}")
            began = time.monotonic()
            with (
                tempfile.TemporaryDirectory(prefix="pokelake-chaos-", ignore_cleanup_errors=True) as home,
                local_world(Path(home) / "world", at.seed) as world,
            ):
                for said in part.run(world, at.points, at.only):
                    if isinstance(said, str):
                        notes.append(said)
                        continue
                    points.append(said)
                    became = ", ".join(sorted({kind for kind, _ in said.breaches})) or "survived"
                    print(f"{said.part}, {said.name}: {became} in {said.seconds:.0f} s", flush=True)
                    for kind, text in said.breaches:
                        print(f"  {kind}: {text}", flush=True)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    finally:
        print(table(points, notes))
    return 1 if any(point.breaches for point in points) else 0


if __name__ == "__main__":
    sys.exit(main())
