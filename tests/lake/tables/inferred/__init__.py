"""Tests of inferred tables, and the documents that they share: JSON texts as odd as a source may send them."""

import json
from random import Random

import pyarrow as pa
from hypothesis import strategies as st

# Spelled here, because Python writes few of them itself. Some are no JSON that a document may hold.
SCALARS = (
    *("null", "true", "0", "-0", "1.0", "-0.0", "1e3", "1E-7", "0.1", "1e400", "-1e999", "NaN", "9" * 40, "7" * 5000),
    *(str(sign * (2**bits + more)) for sign in (1, -1) for bits in (53, 63) for more in (-1, 0, 1)),
    *('""', '"a"', r'"\u00e9"', r'"\ud83d"', '"2024-02-29T23:59:59.123456+05:30"', '"2024-02-30T00:00:00Z"', '"2024"'),
    *(r'"2024-01-01T00:00:00\u005a"', '"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00+01:00"'),
)
NAMES = ("a", "b", "B", "a.b", "", "@key", 'quo"te', "back\\slash", "tab\t", "é", "x[]", "nul\0", "7", "aB", "url")


class Odd:
    """Writes documents out of few names and scalars, so that the same places come again with other values."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.names = random.sample(NAMES, random.randint(1, 6))
        self.scalars = random.sample(SCALARS, random.randint(2, 6))

    def value(self, depth: int = 4) -> str:
        kind = self.random.random()
        if kind < 0.3 and depth:
            return self.object(depth - 1)
        if kind < 0.45 and depth:
            return f"[{', '.join(self.value(depth - 1) for _ in range(self.random.randint(0, 3)))}]"
        return self.random.choice(self.scalars)

    def object(self, depth: int = 4) -> str:
        names = self.random.choices(self.names, k=self.random.randint(0, 3))
        return f"{{{', '.join(f'{json.dumps(name)}: {self.value(depth)}' for name in names)}}}"

    def documents(self) -> list[str]:
        few = [self.object() for _ in range(self.random.randint(1, 8))]
        few += [self.value(), f"\ufeff{self.object()}", "{"][: self.random.randint(0, 3)]
        return self.random.choices(few, k=self.random.randint(0, 40))


randoms = st.integers(0, 2**32).map(Random)


def bodies(*documents: object) -> pa.StringArray:
    """Return documents as they are stored; a text is one already."""
    return pa.array([item if isinstance(item, str) else json.dumps(item) for item in documents], pa.string())
