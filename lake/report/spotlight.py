"""The one Pokémon that a page shows closely: its text, stats, types, abilities, picture and family."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from urllib.parse import urlsplit

from lake.errors import UnknownNameError, nearest
from lake.report.rows import ENGLISH, Row, Rows
from lake.report.strength import STAT_NAMES, STATS, Chart

# Ids of varieties that are no species' first begin here.
_FORMS = 10_000

# Names that are offered to somebody who misspells one.
_NEAR = 3

# The pictures of a Pokémon, the best first, as PokeAPI names the way to them.
_SPRITES = ("other.official-artwork.front_default", "other.home.front_default", "front_default")
_LONGEST_URL = 500
_ADDRESS = re.compile(r"[A-Za-z0-9._~:/?#@!$&()*+,;=%-]+")

# A line break of the games, and their marks for a word that goes on in the next line.
_BREAKS = re.compile(r"\xad\s*|\s+")


@dataclass(frozen=True)
class Kin:
    """A species of the family: what it evolves from by which ways, and into what."""

    species_id: int
    name: str
    ways: list[str]
    children: list["Kin"] = field(default_factory=list)


@dataclass(frozen=True)
class Ability:
    """One of its abilities, with what it does in a sentence."""

    name: str
    is_hidden: bool
    effect: str


@dataclass(frozen=True)
class Spotlight:
    """A Pokémon as a page shows it; what the snapshot does not have is empty or None."""

    pokemon_id: int
    species_id: int
    name: str
    slug: str
    generation: int
    types: list[str]
    genus: str
    text: str
    stats: list[tuple[str, int, float]]
    height_m: float | None
    weight_kg: float | None
    abilities: list[Ability]
    sprite: str | None
    family: Kin | None
    takes: list[tuple[str, list[str]]]

    @property
    def total(self) -> int:
        """The sum of its stats."""
        return sum(value for _, value, _ in self.stats)


def spotlight(rows: Rows, pokemon: Sequence[Row], charts: Sequence[Chart], asked: str | None) -> Spotlight | None:
    """Return the Pokémon that was asked for by slug or id, or else the newest one; None if there is none at all.

    Raises:
        UnknownNameError: There is none that was asked for.
    """
    one = chosen(pokemon, asked)
    if one is None:
        return None
    types = [one[name] for name in ("type_1", "type_2") if one[name]]
    default = [other for other in pokemon if other["is_default"]]
    return Spotlight(
        pokemon_id=one["pokemon_id"],
        species_id=one["species_id"],
        name=one["called"],
        slug=one["name"],
        generation=one["generation"],
        types=types,
        genus=_genus(rows, one["species_id"]),
        text=_text(rows, one["species_id"]),
        stats=[
            (name, one[stat], fmean(other[stat] for other in default if other[stat] is not None))
            for name, stat in zip(STAT_NAMES, STATS, strict=True)
            if one[stat] is not None
        ],
        height_m=one["height_m"],
        weight_kg=one["weight_kg"],
        abilities=_abilities(rows, one["pokemon_id"]),
        sprite=_sprite(rows, one),
        family=_family(rows, one["species_id"]),
        takes=_takes(charts[0], types) if charts else [],
    )


def chosen(pokemon: Sequence[Row], asked: str | None) -> Row | None:
    """Return the row of the Pokémon that was asked for, or else of the newest one.

    Raises:
        UnknownNameError: There is none that was asked for.
    """
    if asked is None:
        return max(pokemon, key=lambda one: (one["pokemon_id"] < _FORMS, one["pokemon_id"]), default=None)
    wanted = asked.strip().lower()
    found = next((one for one in pokemon if wanted in (one["name"], str(one["pokemon_id"]))), None)
    # A species may be asked for whose default variety is called otherwise, such as deoxys-normal.
    found = found or next((one for one in pokemon if one["is_default"] and one["name"].startswith(f"{wanted}-")), None)
    if found is None:
        names = [one["name"] for one in pokemon]
        near = nearest(wanted, names) or sorted(name for name in names if wanted[:3] and name.startswith(wanted[:3]))
        raise UnknownNameError("Pokémon", asked, names, near=near[:_NEAR])
    return found


def _genus(rows: Rows, species: int) -> str:
    found = rows.of("species_genera", "genus", species_id=species, language_id=ENGLISH)
    return str(found[0]["genus"]) if found else ""


def _text(rows: Rows, species: int) -> str:
    """Return the text of the newest game that has one in English."""
    found = rows.of(
        "flavor_texts",
        "flavor_text",
        "version_id",
        resource_name="pokemon-species",
        resource_id=species,
        language_id=ENGLISH,
    )
    newest = max(found, key=lambda row: row["version_id"] or 0, default=None)
    return _BREAKS.sub(lambda at: "" if at[0][0] == "\xad" else " ", newest["flavor_text"]) if newest else ""


def _abilities(rows: Rows, pokemon: int) -> list[Ability]:
    found = rows.of("pokemon_abilities", "slot", "ability_id", "is_hidden", pokemon_id=pokemon)
    slugs = {row["ability_id"]: row["name"] for row in rows.of("abilities", "ability_id", "name")}
    effects = {
        row["resource_id"]: row["short_effect"] or ""
        for row in rows.of("effects", "resource_id", "short_effect", resource_name="ability", language_id=ENGLISH)
    }
    return [
        Ability(
            rows.called("ability", row["ability_id"], slugs.get(row["ability_id"], "")),
            bool(row["is_hidden"]),
            effects.get(row["ability_id"], ""),
        )
        for row in sorted(found, key=lambda row: row["slot"])
    ]


def _sprite(rows: Rows, one: Row) -> str | None:
    """Return the address of a picture, if it is one that a page may ask for: https, and no more."""
    found = {row["path"]: row["url"] for row in rows.of("pokemon_sprites", "path", "url", pokemon_id=one["pokemon_id"])}
    return next((url for path in _SPRITES if (url := found.get(path)) and is_picture(url)), None)


def is_picture(url: str) -> bool:
    """Tell whether a page may show what lies at an address.

    >>> is_picture("https://example.org/25.png"), is_picture("javascript:alert(1)"), is_picture("//example.org/25.png")
    (True, False, False)
    """
    if len(url) > _LONGEST_URL or not _ADDRESS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not parts.username


def _family(rows: Rows, species: int) -> Kin | None:
    """Return the root of the family of a species; None if there is nobody else in it."""
    edges = rows.of(
        "evolutions",
        "evolution_chain_id",
        "from_species_id",
        "from_species",
        "to_species_id",
        "to_species",
        "conditions",
        "ordinal",
    )
    chain = next(
        (e["evolution_chain_id"] for e in edges if species in (e["from_species_id"], e["to_species_id"])), None
    )
    of = sorted((e for e in edges if e["evolution_chain_id"] == chain), key=lambda edge: edge["ordinal"])
    if chain is None or not of:
        return None
    slugs: dict[int, str] = {}
    ways = defaultdict[tuple[int, int], list[str]](list)
    for edge in of:
        pair = (edge["from_species_id"], edge["to_species_id"])
        slugs |= {pair[0]: edge["from_species"] or "", pair[1]: edge["to_species"] or ""}
        if edge["conditions"] not in ways[pair]:
            ways[pair].append(edge["conditions"])

    def kin(id_: int, how: list[str], above: frozenset[int]) -> Kin:
        # A source might say that something evolves into what it came from.
        below = [pair for pair in ways if pair[0] == id_ and pair[1] not in above]
        children = [kin(to, ways[id_, to], above | {to}) for _, to in below]
        return Kin(id_, rows.called("pokemon-species", id_, slugs[id_]), how, children)

    root = of[0]["from_species_id"]
    return kin(root, [], frozenset([root]))


def _takes(chart: Chart, types: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the types of attacks by how much of their damage a Pokémon of some types takes, the most first."""
    by = defaultdict[int, list[str]](list)
    own = [chart.types.index(type_) for type_ in types if type_ in chart.types]
    for attacking, percents in zip(chart.types, chart.percents, strict=True):
        share = 100
        for place in own:
            share = share * percents[place] // 100
        by[share].append(attacking)
    words = {400: "fourfold", 200: "double", 50: "half", 25: "a quarter", 0: "none"}
    return [(words[share], by[share]) for share in words if by.get(share)] if own else []
