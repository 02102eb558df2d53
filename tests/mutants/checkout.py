"""A checkout's source and coverage data: which tests reach a line, and where a mutant lies in it."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from coverage import CoverageData

from tests.mutants.mutation import SURENESS, Mutation, Place, find, places

SEED = 20261127
COUNT = 40
PACKAGES = ("blocks", "flows", "lake")

# pytest-cov joins the context of the process, the test and its phase; PYTEST_CURRENT_TEST is a test and its phase.
CONTEXT = re.compile(r"(?:none\|)?(?P<test>.+?\.py::.+?)(?:\|| \()(?P<phase>setup|run|call|teardown)\)?")


@dataclass(frozen=True)
class Mutant(Mutation):
    """A mutation with a number, and the file it was picked in, which decides between functions of one name."""

    id: int = 0
    file: str = ""


class Checkout:
    """A checkout and its coverage data. Holds what takes seconds to find: contexts, and places for faults."""

    def __init__(self, root: Path, coverage: Path) -> None:
        found = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
        self.sources = {path.relative_to(root).as_posix(): path.read_text() for path in found}
        self._found: dict[str, list[Place]] = {}
        self._contexts: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        data = CoverageData(str(coverage))
        data.read()
        for path in data.measured_files():
            # Some tests run copies of the checkout, which lie elsewhere.
            name = next((name for name in self.sources if path.endswith(f"/{name}")), None)
            if name is not None:
                for line, contexts in data.contexts_by_lineno(path).items():
                    self._contexts[name][line].update(contexts)

    def tests(self, file: str, lines: Iterable[int]) -> dict[str, set[str]]:
        """Return the tests that reach one of these lines, each with its phases that do."""
        found: dict[str, set[str]] = defaultdict(set)
        for context in {context for line in lines for context in self._contexts[file].get(line, ())}:
            if match := CONTEXT.fullmatch(context):
                found[match["test"]].add(match["phase"])
        return found

    def find(self, mutant: Mutant) -> list[tuple[str, str, Place]]:
        """Return how, in which file and where a mutant is found; among several answers, none is better than another."""
        wanted = Mutation(mutant.function, mutant.statement, mutant.before, mutant.after, mutant.nth)
        found = [(how, file, place) for file in self.sources for how, place in find(self._places(file), wanted)]
        for sureness in SURENESS:
            alike = [item for item in found if item[0] == sureness]
            same_name = [item for item in alike if Path(item[1]).name == Path(mutant.file).name]
            if alike:
                return same_name if len(same_name) == 1 else alike
        return []

    def _places(self, file: str) -> list[Place]:
        if file not in self._found:
            self._found[file] = list(places(self.sources[file]))
        return self._found[file]

    def pick(self, without: tuple[str, ...]) -> Iterator[Mutant]:
        """Draw statements that a test reaches, from each folder by its size, and yield a mutant of each."""
        rooms: dict[str, list[tuple[str, list[Place]]]] = defaultdict(list)
        for file in self.sources:
            statements: dict[int, list[Place]] = defaultdict(list)
            for place in () if file.startswith(without) else self._places(file):
                statements[place.lines.start].append(place)
            reached = [(file, found) for found in statements.values() if self.tests(file, found[0].lines)]
            rooms["/".join(file.split("/")[:-1][:2])] += reached
        chance = random.Random(SEED)
        number = 0
        for room, share in sorted(shares({room: len(found) for room, found in rooms.items() if found}, COUNT).items()):
            for file, found in chance.sample(rooms[room], share):
                finest = min(place.kind for place in found)
                chosen = chance.choice([place for place in found if place.kind == finest])
                number += 1
                yield Mutant(**asdict(chosen.mutation), id=number, file=file)


def shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """Divide a count by sizes; each gets one at least.

    >>> shares({"blocks": 10, "flows": 400, "lake": 590}, 10)
    {'blocks': 1, 'flows': 4, 'lake': 5}
    """
    whole = sum(sizes.values())
    found = {name: max(1, round(count * size / whole)) for name, size in sizes.items()}
    while found and (over := sum(found.values()) - count) != 0:
        # Who has most loses or gains least by one.
        found[max(found, key=lambda name: found[name])] -= 1 if over > 0 else -1
    return found
