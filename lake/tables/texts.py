"""Texts in all languages, one table per kind, for every resource that has them."""

import pyarrow as pa

from lake.schema import ORDINAL, RESOURCE, Field, Table

_KEY = (
    Field("resource_name", pa.string(), "The resource the text belongs to, such as pokemon-species.", RESOURCE),
    Field("resource_id", pa.int32(), "PokeAPI's id within that resource.", "id"),
    Field("ordinal", pa.int32(), "Place in the document's list, from 1.", ORDINAL),
)


def _language(rows: str) -> Field:
    return Field(
        "language_id",
        pa.int32(),
        "PokeAPI's id of the language; 9 is English.",
        f"{rows}.language.url",
        references="language",
    )


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
    ("ability", "generation", "move", "pokemon-species", "type"),
    "names[]",
    Field("name", pa.string(), "The name as a player reads it.", "names[].name"),
)

FLAVOR_TEXTS = _texts(
    "flavor_texts",
    "one row per thing, language and game with its text there; line breaks as in the game",
    ("ability", "move", "pokemon-species"),
    "flavor_text_entries[]",
    Field(
        "version_id",
        pa.int32(),
        "The game it stands in. Null: given by version group.",
        "flavor_text_entries[].version.url",
        nullable=True,
        references="version",
    ),
    Field(
        "version_group_id",
        pa.int32(),
        "The games it stands in. Null: given by version.",
        "flavor_text_entries[].version_group.url",
        nullable=True,
        references="version-group",
    ),
    Field("flavor_text", pa.string(), "The text.", "flavor_text_entries[].flavor_text"),
)

EFFECTS = _texts(
    "effects",
    "one row per thing and language: what it does",
    ("ability", "move"),
    "effect_entries[]",
    Field("effect", pa.string(), "The effect in full.", "effect_entries[].effect"),
    Field("short_effect", pa.string(), "The effect in a sentence.", "effect_entries[].short_effect"),
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

TABLES = (NAMES, FLAVOR_TEXTS, EFFECTS, EFFECT_CHANGES)
