"""Tables of forms: the looks of a variety of Pokémon, what triggers them, and their names."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from lake.schema import Field, Report, Row, Table
from lake.tables.declare import LANGUAGE, NAME_FIELD, child, own_id, reference
from lake.tables.members import reference_id, text, url_id
from lake.tables.pokeapi.media import media

_FORM_ID = own_id("form")
_child = partial(child, "pokemon-form", (_FORM_ID,))

FORMS = Table(
    name="forms",
    grain="one row per form of a Pokémon variety, most of which have one",
    resources=("pokemon-form",),
    primary_key=("form_id",),
    fields=(
        _FORM_ID,
        NAME_FIELD,
        reference("pokemon_id", "The variety it is a form of.", "pokemon.url", "pokemon"),
        Field(
            "form_name",
            pa.string(),
            "Slug of the form alone; empty for most.",
            "form_name",
            stand_ins=(("", "no slug of its own"),),
        ),
        Field("sort_order", pa.int32(), "Place in PokeAPI's sorting of all forms.", "order"),
        Field("form_order", pa.int32(), "Place among the forms of its species.", "form_order"),
        Field("is_default", pa.bool_(), "Whether it is its variety's default form.", "is_default"),
        Field("is_battle_only", pa.bool_(), "Whether it is taken in battles alone.", "is_battle_only"),
        Field("is_mega", pa.bool_(), "Whether it is a Mega Evolution.", "is_mega"),
        reference("version_group_id", "The games that introduced it.", "version_group.url", "version-group"),
    ),
)

FORM_TYPES = _child(
    "form_types",
    "one row per type of a form",
    "types[]",
    Field("slot", pa.int32(), "1 for the first type, 2 for the second.", "types[].slot"),
    reference("type_id", "The type.", "types[].type.url", "type"),
    key="slot",
)

FORM_NAMES = _child(
    "form_names",
    "one row per form and language: what the form alone is called, as in 'Glide Mode'",
    "form_names[]",
    reference("language_id", LANGUAGE, "form_names[].language.url", "language"),
    Field("form_name", pa.string(), "The name.", "form_names[].name"),
)

# By resource that a condition can name: the column that gets its id.
_THINGS = {"item": "item_id", "ability": "ability_id", "move": "move_id"}


def trigger_rows(document: dict[str, Any], report: Report) -> Iterator[Row]:
    """Yield one row per condition under which a variety takes a form."""
    for ordinal, condition in enumerate(document["trigger_conditions"] or (), 1):
        url = text(condition, "url", report)
        things = {column: url_id(url or "", resource) for resource, column in _THINGS.items()}
        if url is not None and not any(id_ is not None for id_ in things.values()):
            report("trigger_conditions[].url", f"a URL ending in /<id>/ of {', '.join(_THINGS)}", url)
        yield {
            "form_id": document["id"],
            "ordinal": ordinal,
            "trigger": text(condition, "trigger", report),
            **things,
            "base_form_id": reference_id(condition, "base_form", "pokemon-form", report),
        }


_TRIGGERS = "trigger_conditions[]"
FORM_TRIGGERS = Table(
    name="form_triggers",
    grain="one row per condition under which a variety takes a form",
    resources=("pokemon-form",),
    primary_key=("form_id", "ordinal"),
    fields=(
        _FORM_ID,
        Field("ordinal", pa.int32(), "Place in the document's list, from 1."),
        Field("trigger", pa.string(), "What it takes, such as held-item or ability.", f"{_TRIGGERS}.trigger"),
        *(
            reference(column, f"The {thing}. Null: takes none.", f"{_TRIGGERS}.url", thing, nullable=True)
            for thing, column in _THINGS.items()
        ),
        reference(
            "base_form_id",
            "Form it must have before. Null: none named.",
            f"{_TRIGGERS}.base_form.url",
            "pokemon-form",
            nullable=True,
        ),
    ),
    fill=trigger_rows,
)

FORM_SPRITES = media(
    "form_sprites",
    "one row per picture of a form: front_default, versions.generation-ix.…",
    "pokemon-form",
    (_FORM_ID,),
    "sprites",
)

TABLES = (FORMS, FORM_TYPES, FORM_NAMES, FORM_TRIGGERS, FORM_SPRITES)
