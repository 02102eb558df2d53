"""Texts in all languages, one table per kind, for every resource that has them."""

import pyarrow as pa

from lake.schema import ORDINAL, RESOURCE, Field, Table
from lake.tables.declare import LANGUAGE, reference

_KEY = (
    Field("resource_name", pa.string(), "The resource the text belongs to, such as pokemon-species.", RESOURCE),
    Field("resource_id", pa.int32(), "PokeAPI's id within that resource.", "id"),
    Field("ordinal", pa.int32(), "Place in the document's list, from 1.", ORDINAL),
)

# The source has a place for a text here, and none in it.
_EMPTY = (("", "no text in the source"),)


def _language(rows: str) -> Field:
    return reference("language_id", LANGUAGE, f"{rows}.language.url", "language")


def _texts(name: str, grain: str, resources: tuple[str, ...], rows: str, *fields: Field) -> Table:
    return Table(
        name=name,
        grain=grain,
        resources=resources,
        rows=rows,
        primary_key=("resource_name", "resource_id", "ordinal"),
        fields=(*_KEY, _language(rows), *fields),
    )


NAMES = _texts(
    "names",
    "one row per named thing and language",
    (
        "ability",
        "berry-firmness",
        "berry-flavor",
        "contest-type",
        "currency",
        "egg-group",
        "encounter-condition",
        "encounter-condition-value",
        "encounter-method",
        "evolution-trigger",
        "generation",
        "item",
        "item-attribute",
        "item-category",
        "item-pocket",
        "language",
        "location",
        "location-area",
        "move",
        "move-ailment",
        "move-battle-style",
        "move-damage-class",
        "move-learn-method",
        "move-target",
        "nature",
        "pal-park-area",
        "pokeathlon-stat",
        "pokedex",
        "pokemon-color",
        "pokemon-form",
        "pokemon-habitat",
        "pokemon-shape",
        "pokemon-species",
        "region",
        "stat",
        "type",
        "version",
    ),
    "names[]",
    Field("name", pa.string(), "The name as a player reads it.", "names[].name", stand_ins=_EMPTY),
    Field(
        "color",
        pa.string(),
        "Name of the colour that stands for a contest type. Null: of anything else.",
        "names[].color",
        nullable=True,
        stand_ins=_EMPTY,
    ),
)

FLAVOR_TEXTS = _texts(
    "flavor_texts",
    "one row per thing, language and game with its text there; line breaks as in the game",
    ("ability", "contest-effect", "item", "move", "pokemon-species", "super-contest-effect"),
    "flavor_text_entries[]",
    Field(
        "version_id",
        pa.int32(),
        "The game it stands in. Null: given by version group, or not.",
        "flavor_text_entries[].version.url",
        nullable=True,
        references="version",
    ),
    Field(
        "version_group_id",
        pa.int32(),
        "The games it stands in. Null: given by version, or not.",
        "flavor_text_entries[].version_group.url",
        nullable=True,
        references="version-group",
    ),
    Field(
        "flavor_text",
        pa.string(),
        "The text.",
        # Items call it `text`, all other resources `flavor_text`.
        ("flavor_text_entries[].flavor_text", "flavor_text_entries[].text"),
        stand_ins=_EMPTY,
    ),
)

EFFECTS = _texts(
    "effects",
    "one row per thing and language: what it does",
    ("ability", "contest-effect", "item", "item-fling-effect", "move"),
    "effect_entries[]",
    Field("effect", pa.string(), "The effect in full.", "effect_entries[].effect", stand_ins=_EMPTY),
    Field(
        "short_effect",
        pa.string(),
        "The effect in a sentence. Null: the resource has none.",
        "effect_entries[].short_effect",
        nullable=True,
        stand_ins=_EMPTY,
    ),
)

_CHANGED = "effect_changes[].effect_entries[]"
EFFECT_CHANGES = _texts(
    "effect_changes",
    "one row per thing, version group and language: how the effect differed before",
    ("ability", "move"),
    _CHANGED,
    Field(
        "version_group_id",
        pa.int32(),
        "The games in which the effect changed.",
        "effect_changes[].version_group.url",
        references="version-group",
    ),
    Field("effect", pa.string(), "What was different before.", f"{_CHANGED}.effect"),
)

DESCRIPTIONS = _texts(
    "descriptions",
    "one row per thing and language: what it is",
    (
        "characteristic",
        "growth-rate",
        "item-attribute",
        "move-category",
        "move-damage-class",
        "move-learn-method",
        "move-target",
        "pokedex",
    ),
    "descriptions[]",
    Field("description", pa.string(), "The description.", "descriptions[].description", stand_ins=_EMPTY),
)

TABLES = (NAMES, FLAVOR_TEXTS, EFFECTS, EFFECT_CHANGES, DESCRIPTIONS)
