"""What a page tells of Pokémon as a whole: how many there are, how strong, how large, and what beats what."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles

from lake.report.rows import Row, Rows, in_words

STATS = ("hp", "attack", "defense", "special_attack", "special_defense", "speed")
STAT_NAMES = ("HP", "Attack", "Defence", "Sp. Atk", "Sp. Def", "Speed")

# What a page needs of each variety; a view gives it.
_WIDE = ("pokemon_id", "name", "species_id", "generation", "type_1", "type_2", *STATS, "total", "is_default")
_SIZES = ("height_m", "weight_kg", "is_legendary", "is_mythical")


@dataclass(frozen=True)
class Spread:
    """The totals of one generation: five numbers, and who has the least and the most."""

    generation: int
    count: int
    numbers: tuple[float, float, float, float, float]
    weakest: str
    strongest: str


@dataclass(frozen=True)
class Counted:
    """The species of one generation: ordinary ones, babies, and legendary and mythical ones."""

    generation: int
    ordinary: int
    babies: int
    legends: int

    @property
    def all(self) -> int:
        """All of them."""
        return self.ordinary + self.babies + self.legends


@dataclass(frozen=True)
class Chart:
    """What a generation's types deal to each other, in percent; a row per attacking type."""

    generation: int
    since: int
    types: list[str]
    percents: list[list[int]]


@dataclass(frozen=True)
class Size:
    """How tall and how heavy a Pokémon is."""

    name: str
    height_m: float
    weight_kg: float
    is_legend: bool


@dataclass(frozen=True)
class Record:
    """A Pokémon that has the most of something."""

    what: str
    name: str
    value: str


def wide(rows: Rows) -> list[Row]:
    """Return all varieties of Pokémon, each with what a page compares, and as `called` its English name."""
    found = rows.of("pokemon_wide", *_WIDE, *_SIZES)
    return [{**one, "called": rows.called_pokemon(one)} for one in found]


def means_by_type(pokemon: Iterable[Row]) -> list[tuple[str, int, list[float]]]:
    """Return each type with how many Pokémon have it, and the means of their six stats and of the total.

    The strongest type comes first.
    """
    members = defaultdict[str, list[Row]](list)
    for one in _whole(pokemon):
        for type_ in {one["type_1"], one["type_2"]} - {None}:
            members[type_].append(one)
    found = [
        (in_words(type_), len(of), [fmean(one[stat] for one in of) for stat in (*STATS, "total")])
        for type_, of in members.items()
    ]
    return sorted(found, key=lambda entry: (-entry[2][-1], entry[0]))


def means_by_generation(pokemon: Iterable[Row]) -> tuple[list[int], list[tuple[str, list[float | None]]]]:
    """Return the generations, and for each type the mean total of its Pokémon of each generation (None: none)."""
    totals = defaultdict[tuple[str, int], list[int]](list)
    for one in _whole(pokemon):
        for type_ in {one["type_1"], one["type_2"]} - {None}:
            totals[type_, one["generation"]].append(one["total"])
    generations = sorted({generation for _, generation in totals})
    types = sorted({type_ for type_, _ in totals})
    return generations, [
        (in_words(type_), [fmean(of) if (of := totals.get((type_, one))) else None for one in generations])
        for type_ in types
    ]


def spreads(pokemon: Iterable[Row]) -> list[Spread]:
    """Return how the totals of each generation's Pokémon are spread."""
    members = defaultdict[int, list[Row]](list)
    for one in _whole(pokemon):
        members[one["generation"]].append(one)
    found = []
    for generation, of in sorted(members.items()):
        of.sort(key=lambda one: (one["total"], one["pokemon_id"]))
        totals = [one["total"] for one in of]
        low, middle, high = quantiles(totals, n=4, method="inclusive") if len(totals) > 1 else totals * 3
        five = (totals[0], low, middle, high, totals[-1])
        found.append(Spread(generation, len(of), five, of[0]["called"], of[-1]["called"]))
    return found


def per_generation(rows: Rows) -> list[Counted]:
    """Return how many species each generation introduced."""
    counts = defaultdict[int, list[int]](lambda: [0, 0, 0])
    for one in rows.of("species", "generation", "is_baby", "is_legendary", "is_mythical"):
        place = 2 if one["is_legendary"] or one["is_mythical"] else 1 if one["is_baby"] else 0
        counts[int(one["generation"])][place] += 1
    return [Counted(generation, *counts[generation]) for generation in sorted(counts)]


def charts(rows: Rows) -> list[Chart]:
    """Return the type chart of today, and of each generation after which it changed, the newest first."""
    cells = defaultdict[int, dict[tuple[str, str], int]](dict)
    order: dict[str, int] = {}
    for row in rows.of(
        "type_chart", "generation", "attacking_type_id", "attacking_type", "defending_type", "damage_percent"
    ):
        cells[row["generation"]][row["attacking_type"], row["defending_type"]] = row["damage_percent"]
        order[row["attacking_type"]] = row["attacking_type_id"]
    found: list[Chart] = []
    last: dict[tuple[str, str], int] = {}
    for generation in sorted(cells):
        if cells[generation] == last:
            found[-1] = Chart(generation, found[-1].since, found[-1].types, found[-1].percents)
            continue
        last = cells[generation]
        types = sorted({attacking for attacking, _ in last}, key=lambda name: order[name])
        percents = [[last.get((one, other), 100) for other in types] for one in types]
        found.append(Chart(generation, generation, types, percents))
    return found[::-1]


def measured(pokemon: Iterable[Row]) -> list[Size]:
    """Return the size of each Pokémon as it is by default, if the games show it."""
    return [
        Size(one["called"], one["height_m"], one["weight_kg"], bool(one["is_legendary"] or one["is_mythical"]))
        for one in pokemon
        if one["is_default"] and one["height_m"] and one["weight_kg"]
    ]


def records(pokemon: Sequence[Row]) -> list[Record]:
    """Return who has the most: of the Pokémon as they are by default."""
    of = _whole(pokemon)
    asked = (
        ("Strongest", "total", "{:,.0f} in all six stats"),
        ("Fastest", "speed", "{:,.0f} speed"),
        ("Toughest", "defense", "{:,.0f} defence"),
        ("Tallest", "height_m", "{:,.1f} m"),
        ("Heaviest", "weight_kg", "{:,.1f} kg"),
    )
    found = []
    for what, column, words in asked:
        known = [one for one in of if one[column] is not None]
        if known:
            best = max(known, key=lambda one: (one[column], -one["pokemon_id"]))
            found.append(Record(what, best["called"], words.format(best[column])))
    return found


def _whole(pokemon: Iterable[Row]) -> list[Row]:
    """Return the default varieties of which all stats are known."""
    return [one for one in pokemon if one["is_default"] and all(one[stat] is not None for stat in STATS)]
