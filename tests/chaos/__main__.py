"""``python -m tests.chaos PART``: run one part of the harness, or all, and end with a table.

``make chaos`` runs all parts, ``make chaos CHAOS=kills`` one of them, ``make chaos CHAOS="kills --points 5"`` few
points of it, and ``make chaos CHAOS="kills --slice 1/3"`` every third one. A part takes at most fifteen minutes on two
cores, on each of which a world of its own is broken.
"""

import argparse
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from tests.chaos.checks import KINDS, Point
from tests.chaos.choice import MINUTES, Choice
from tests.chaos.worlds import at_once, end_with_context

PARTS = ("kills", "crawls", "races", "prefect_weather", "s3_weather", "s3_bodies", "source_weather", "hostile")

# Half of a world waits for the other half, so one keeps a core busy.
JOBS = 2


def table(points: Sequence[Point], notes: Sequence[str]) -> str:
    """Return what became of all points, a line for each part."""
    found: defaultdict[str, list[Point]] = defaultdict(list)
    for point in points:
        found[point.part].append(point)
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for part, _, note in (note.partition(": ") for note in dict.fromkeys(notes)):
        seen[part].append(note)
    lines = [f"{'part':28}{'points':>8}{'survived':>10}{'torn':>7}{'lost':>7}{'left':>7}{'seconds':>9}  seen"]
    for part, of_part in found.items():
        counts = [sum(any(kind == found for found, _ in point.breaches) for point in of_part) for kind in KINDS]
        survived = sum(not point.breaches for point in of_part)
        numbers = "".join(f"{count:7}" for count in counts)
        seconds = sum(point.seconds for point in of_part)
        lines.append(f"{part:28}{len(of_part):8}{survived:10}{numbers}{seconds:9.0f}  {', '.join(seen[part])}".rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run what is asked for; return 1 if a promise did not hold somewhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("all", *PARTS), nargs="?", default="all")
    parser.add_argument("--points", type=int, help="points of each line of the table; default: as many as fit")
    parser.add_argument("--seed", type=int, default=0, help="of what is chosen at random")
    parser.add_argument("--only", default="", help="points whose names hold this")
    parser.add_argument("--slice", default="1/1", help="2/3 is every third point, from the second one on")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"worlds that are broken at once; default: {JOBS}")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="a part begins no point later than this")
    at = parser.parse_args()
    choice = Choice.of(at.points, at.only, at.slice, at.minutes)
    end_with_context()
    points: list[Point] = []
    notes: list[str] = []
    try:
        for name in PARTS if at.part == "all" else (at.part,):
            began = time.monotonic()
            for said in at_once(name, at.seed, choice.shared(at.jobs)):
                if isinstance(said, str):
                    notes.append(said)
                    continue
                points.append(said)
                became = ", ".join(sorted({kind for kind, _ in said.breaches})) or "survived"
                print(f"{said.part}, {said.name}: {became} in {said.seconds:.0f} s", flush=True)
                for kind, text in said.breaches:
                    print(f"  {kind}: {text}", flush=True)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = used.ru_utime + used.ru_stime
            print(f"{name}: {time.monotonic() - began:.0f} s, of all processes so far {cpu:.0f} s of CPU", flush=True)
    finally:
        print(table(points, notes))
    return 1 if any(point.breaches for point in points) else 0


if __name__ == "__main__":
    sys.exit(main())
