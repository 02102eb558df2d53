"""Makes the page of a snapshot: gathers what it says, has its pictures drawn, and fills the template."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lake.bucket import command_on
from lake.commit import Commit
from lake.read import Lake
from lake.report import strength
from lake.report.facts import KINDS, SNAPSHOTS, Facts, Place, gather
from lake.report.pictures.ball import ball
from lake.report.pictures.bars import bars
from lake.report.pictures.radar import radar
from lake.report.pictures.sizes import sizes
from lake.report.pictures.spread import spread
from lake.report.pictures.timeline import held, timeline
from lake.report.pictures.tree import described, tree
from lake.report.rows import Row, Rows, in_words
from lake.report.spotlight import Spotlight, spotlight
from lake.text import counted, listed, shown

_FOLDER = Path(__file__).parent

# Lines of a list that are shown; the others are counted, and the commands that print all are named.
LINES = 20

# Resources and tables in a picture.
_BARS = 12

# Room for their names in it.
_NAMES = 136

# Documents of a resource that are named where they came or went.
_NAMED = 4

# The longest text of a source that a page shows, such as the effect of an ability.
_LONGEST = 1_000

# The pictures, by the names that the template has for them.
_PICTURES = (
    *("ball", "changes", "generations", "held", "radar", "resources", "sizes", "spread", "tables", "timeline", "tree"),
)

# The types of a Pokémon's attacks, for which the page's style has a colour.
_TYPES = (
    *("normal", "fighting", "flying", "poison", "ground", "rock", "bug", "ghost", "steel", "fire", "water", "grass"),
    *("electric", "psychic", "ice", "dragon", "dark", "fairy"),
)


def make_page(lake: Lake, as_of: str | date | None = None, pokemon: str | None = None) -> tuple[Commit, bytes]:
    """Return the commit of a snapshot, and its page; the same snapshot, history and code give the same page.

    The page shows one Pokémon closely: the one of this slug or id, or else the newest. A section for which the snapshot
    lacks tables is left out, and the page says so.

    Raises:
        UnknownNameError: There is no such snapshot or Pokémon.
        LakeError: Nothing was ever published, or a file is not what its commit says.
    """
    rows = Rows(lake.at(as_of))
    facts = gather(rows)
    wide = strength.wide(rows)
    charts = strength.charts(rows)
    counts = strength.per_generation(rows)
    one = spotlight(rows, wide, charts, pokemon)
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    text = (
        _environment()
        .get_template("page.html")
        .render(
            facts=facts,
            commit=facts.commit,
            uri=lake.store.uri(),
            style=Markup(style),
            style_hash=b64encode(sha256(style.encode()).digest()).decode(),
            came=_grouped(rows, facts.brought.added if facts.brought else []),
            went=_grouped(rows, facts.brought.deleted if facts.brought else []),
            kinds=KINDS,
            lines=LINES,
            most_snapshots=SNAPSHOTS,
            audits_command=command_on(lake.store.uri(), "audits", "--as-of", facts.commit.snapshot),
            sizes_command=command_on(
                lake.store.uri(),
                "read",
                "pokemon_wide",
                "--columns",
                "name,height_m,weight_kg",
                "--as-of",
                facts.commit.snapshot,
            ),
            charts=charts,
            counts=counts,
            by_type=strength.means_by_type(wide),
            by_generation=strength.means_by_generation(wide),
            spreads=strength.spreads(wide),
            records=strength.records(wide),
            one=one,
            pictures=_pictures(facts, counts, wide, one),
            steps=list(described(one.family)) if one and one.family else [],
            lacking=sorted(rows.lacking) if facts.commit.source.kind == "pokeapi" else [],
        )
    )
    return facts.commit, text.encode()


def _pictures(
    facts: Facts,
    counts: Sequence[strength.Counted],
    pokemon: Sequence[Row],
    one: Spotlight | None,
) -> dict[str, Markup]:
    """Return the pictures; one for which there is nothing to draw is empty."""
    found = dict.fromkeys(_PICTURES, Markup())
    found["resources"] = _counted("Documents of the largest resources", facts.resources[:_BARS], "accent")
    found["tables"] = _counted(
        "Rows of the largest tables", [(t.name, t.rows) for t in facts.largest[:_BARS]], "second"
    )
    if facts.changes and facts.commit.parent is not None:
        classes = dict(zip(KINDS, ("good", "second", "bad", "other"), strict=True))
        changed = []
        for name, of in facts.changes[:_BARS]:
            parts = [(of.get(kind, 0), classes[kind], f"{of.get(kind, 0):,} {kind}") for kind in KINDS]
            changed.append((name, parts, f"{sum(of.values()):,}"))
        found["changes"] = bars("Documents that changed, by resource", changed, _NAMES, "changes")
    if any(moment.added or moment.modified or moment.deleted for moment in facts.moments):
        found["timeline"] = timeline("Documents that each snapshot added, changed and removed", facts.moments)
    found["held"] = held("Documents that each snapshot held", facts.moments)
    if counts:
        rows = []
        for row in counts:
            parts = [
                (row.ordinary, "second", f"{row.ordinary} others"),
                (row.babies, "good", f"{row.babies} babies"),
                (row.legends, "accent", f"{row.legends} legendary or mythical"),
            ]
            rows.append((f"Gen {row.generation}" if row.generation else "unknown", parts, f"{row.all:,}"))
        found["generations"] = bars("Species that each generation introduced", rows, 60, "generations")
    if spreads := strength.spreads(pokemon):
        found["spread"] = spread("How strong the Pokémon of each generation are", spreads)
    if measured := strength.measured(pokemon):
        found["sizes"] = sizes("How tall and how heavy the Pokémon are", measured)
    if one is not None:
        found["ball"] = ball("A Poké Ball")
        if len(one.stats) > 2:
            found["radar"] = radar("Its stats, and those of the mean Pokémon", one.stats)
        if one.family:
            found["tree"] = tree("Who evolves into whom in its family", one.family, one.species_id)
    return found


def _counted(label: str, counts: Sequence[tuple[str, int]], class_: str) -> Markup:
    rows = [(name, [(count, class_, f"{count:,}")], f"{count:,}") for name, count in counts]
    return bars(label, rows, _NAMES, "counts")


def _grouped(rows: Rows, places: Sequence[Place]) -> list[tuple[str, int, list[str]]]:
    """Return documents by resource, those with the most first: how many, and what the first of them are called."""
    by = defaultdict[str, list[Place]](list)
    for place in places:
        by[place[0]].append(place)
    found = [
        (name, len(of), [rows.called(name, id_, path).rstrip(".") for _, id_, path in of[:_NAMED]])
        for name, of in by.items()
    ]
    return sorted(found, key=lambda group: (-group[1], group[0]))


def _environment() -> Environment:
    """Return jinja2's environment, in which all that is filled in is text, printable and escaped."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=in_words, listed=listed, counted=counted, megabytes=_megabytes, kind=_kind, wrapped=_wrapped
    )
    return environment


def _printable(value: Any) -> Any:
    """Return a text with nothing in it that a browser obeys or does not show; pictures and numbers as they are."""
    return shown(value, _LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


def _megabytes(size: int) -> str:
    """Return a number of bytes in words.

    >>> _megabytes(18_240_000), _megabytes(3_900)
    ('18.2 MB', '3.9 kB')
    """
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{size / 1_000:,.1f} kB"


def _wrapped(name: str) -> Markup:
    """Return a name that may go on in the next line after each underscore.

    >>> _wrapped("item_prices"), _wrapped("<b>")
    (Markup('item_<wbr>prices'), Markup('&lt;b&gt;'))
    """
    return Markup("_<wbr>").join(shown(name).split("_"))


def _kind(type_: str) -> str:
    """Return the class of a type's colour."""
    return type_ if type_ in _TYPES else "unknown"
