"""All tables of the core resources from the real corpus, counted once more by plain Python."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.documents import slices
from lake.publish.keys import KeyCheck
from lake.replica import Corpus
from lake.schema import GENERATION, UNKNOWN_GENERATION
from lake.tables import TABLES, build, species_generations

Document = dict[str, Any]

# As the publishing flow cuts them.
PARSED_BYTES = 8 << 20


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value.values())) if isinstance(value, dict) else value is not None


def _in(*names: str) -> Callable[[Document], int]:
    """Return what counts the elements of a list, or of lists inside the elements of lists."""

    def count(owner: Document, depth: int = 0) -> int:
        inner = owner.get(names[depth]) or []
        return len(inner) if depth == len(names) - 1 else sum(count(item, depth + 1) for item in inner)

    return count


def _effectiveness(document: Document) -> int:
    today = sum(len(types) for name, types in document["damage_relations"].items() if name.endswith("_to"))
    past = (types for entry in document["past_damage_relations"] for types in entry["damage_relations"].values())
    return today + sum(map(len, past))


def _edges(document: Document) -> int:
    def below(link: Document) -> int:
        return sum(len(child["evolution_details"]) or 1 for child in link["evolves_to"]) + sum(
            below(child) for child in link["evolves_to"]
        )

    return below(document["chain"])


# How many rows one document of a resource has in a table; one where nothing is said.
COUNTS: dict[str, Callable[[Document], int]] = {
    "pokemon_stats": _in("stats"),
    "pokemon_types": _in("types"),
    "pokemon_abilities": _in("abilities"),
    "pokemon_moves": _in("moves", "version_group_details"),
    "pokemon_forms": _in("forms"),
    "pokemon_held_items": _in("held_items", "version_details"),
    "pokemon_game_indices": _in("game_indices"),
    "pokemon_past_types": _in("past_types", "types"),
    "pokemon_past_abilities": _in("past_abilities", "abilities"),
    "pokemon_past_stats": _in("past_stats", "stats"),
    "pokemon_sprites": lambda document: _leaves(document["sprites"]),
    "pokemon_cries": lambda document: _leaves(document["cries"]),
    "species_varieties": _in("varieties"),
    "species_egg_groups": _in("egg_groups"),
    "species_pokedex_numbers": _in("pokedex_numbers"),
    "species_pal_park_encounters": _in("pal_park_encounters"),
    "species_genera": _in("genera"),
    "species_form_descriptions": _in("form_descriptions"),
    "evolution_edges": _edges,
    "type_effectiveness": _effectiveness,
    "move_stat_changes": _in("stat_changes"),
    "move_machines": _in("machines"),
    "move_past_values": _in("past_values"),
    "names": _in("names"),
    "flavor_texts": _in("flavor_text_entries"),
    "effects": _in("effect_entries"),
    "effect_changes": _in("effect_changes", "effect_entries"),
}


def bodies_of(corpus: Corpus, resource: str) -> Iterator[bytes]:
    """Yield the documents of a resource in the order of their ids."""
    paths = [path for path in corpus.paths() if path.startswith(f"{resource}/") and path.count("/") == 1]
    for path in sorted(paths, key=lambda path: int(path.partition("/")[2])):
        yield corpus.document(path)


@pytest.mark.corpus
def test_every_row_of_the_corpus_is_there(corpus_2026_08_08: Path):
    corpus = Corpus.open(corpus_2026_08_08)
    generations = species_generations(pa.array([*bodies_of(corpus, "pokemon-species")]).cast(pa.string()))
    expected, drifts = Counter[str](), []
    without_generation = Counter[str]()
    checks = {table.name: KeyCheck(table) for table in TABLES}
    for resource in sorted({resource for table in TABLES for resource in table.resources}):
        texts = [body.decode() for body in bodies_of(corpus, resource)]
        filled = [table.name for table in TABLES if resource in table.resources]
        for document in map(json.loads, texts):
            for name in filled:
                expected[name] += COUNTS[name](document) if name in COUNTS else 1
        for part in slices(pa.table({"body": texts}), PARSED_BYTES):
            for built in build(resource, part["body"].combine_chunks(), generations):
                checks[built.table.name].add(built.rows)
                drifts += built.drifts
                if built.table.partition:
                    without_generation[built.table.name] += built.rows[GENERATION].to_pylist().count(UNKNOWN_GENERATION)
    assert {name: check.rows for name, check in checks.items()} == dict(expected)
    assert {name: check.bad_keys for name, check in checks.items() if check.bad_keys} == {}
    assert {name: check.nulls for name, check in checks.items() if check.nulls} == {}
    assert drifts == []
    assert +without_generation == {}
    # So that an empty corpus, or a wrong path in it, does not count as equal.
    assert expected["pokemon_moves"] > 600_000
    assert min(expected[table.name] for table in TABLES) > 0
