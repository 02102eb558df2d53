"""Tables of the game's small vocabularies, such as egg groups: an id, a slug, and little more."""

import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.declare import LANGUAGE, child, reference, term

EGG_GROUPS = term("egg-group", "egg_groups", "egg group")
EVOLUTION_TRIGGERS = term("evolution-trigger", "evolution_triggers", "event that sets off an evolution")
MOVE_AILMENTS = term("move-ailment", "move_ailments", "ailment that moves cause", key="ailment")
MOVE_BATTLE_STYLES = term("move-battle-style", "move_battle_styles", "battle style")
MOVE_CATEGORIES = term("move-category", "move_categories", "category of moves", key="category")
MOVE_DAMAGE_CLASSES = term("move-damage-class", "move_damage_classes", "damage class of moves", key="damage_class")
MOVE_LEARN_METHODS = term("move-learn-method", "move_learn_methods", "way to learn a move")
MOVE_TARGETS = term("move-target", "move_targets", "target of moves", key="target")
POKEMON_COLORS = term("pokemon-color", "pokemon_colors", "colour in the Pokédex", key="color")
POKEMON_HABITATS = term("pokemon-habitat", "pokemon_habitats", "habitat", key="habitat")
POKEMON_SHAPES = term("pokemon-shape", "pokemon_shapes", "body shape", key="shape")

SHAPE_AWESOME_NAMES = child(
    "pokemon-shape",
    (POKEMON_SHAPES.field("shape_id"),),
    "shape_awesome_names",
    "one row per body shape and language: its scientific name",
    "awesome_names[]",
    reference("language_id", LANGUAGE, "awesome_names[].language.url", "language"),
    Field("awesome_name", pa.string(), "The scientific name.", "awesome_names[].awesome_name"),
)

GENDERS = term("gender", "genders", "gender")
GENDER_SPECIES = child(
    "gender",
    (GENDERS.field("gender_id"),),
    "gender_species",
    "one row per gender and species that has it",
    "pokemon_species_details[]",
    reference("species_id", "The species.", "pokemon_species_details[].pokemon_species.url", "pokemon-species"),
    Field(
        "female_eighths",
        pa.int32(),
        "How many of eight are female. Null: genderless, -1 in the source.",
        "pokemon_species_details[].rate",
        unit="eighth",
        nullable=True,
        null_when=-1,
    ),
)

GROWTH_RATES = term(
    "growth-rate",
    "growth_rates",
    "speed of gaining levels",
    Field("formula", pa.string(), "Experience by level x, in LaTeX.", "formula"),
)
GROWTH_RATE_LEVELS = child(
    "growth-rate",
    (GROWTH_RATES.field("growth_rate_id"),),
    "growth_rate_levels",
    "one row per speed of gaining levels, and level",
    "levels[]",
    Field("level", pa.int32(), "The level.", "levels[].level", unit="level"),
    Field("experience", pa.int32(), "Experience it takes.", "levels[].experience", unit="experience point"),
)

META = Table(
    name="meta",
    grain="one row per document that says which data the API serves; there is one",
    resources=("meta",),
    primary_key=("meta_id",),
    fields=(
        Field("meta_id", pa.int32(), "Always 0.", "id"),
        Field(
            "deployed_epoch_seconds", pa.string(), "When it was deployed, in seconds since 1970.", "meta.deploy_date"
        ),
        Field("hash", pa.string(), "Git commit of the data.", "meta.hash"),
        Field("tag", pa.string(), "Git tag of the data. Null: none.", "meta.tag", nullable=True),
    ),
)

TABLES = (
    EGG_GROUPS,
    EVOLUTION_TRIGGERS,
    MOVE_AILMENTS,
    MOVE_BATTLE_STYLES,
    MOVE_CATEGORIES,
    MOVE_DAMAGE_CLASSES,
    MOVE_LEARN_METHODS,
    MOVE_TARGETS,
    POKEMON_COLORS,
    POKEMON_HABITATS,
    POKEMON_SHAPES,
    SHAPE_AWESOME_NAMES,
    GENDERS,
    GENDER_SPECIES,
    GROWTH_RATES,
    GROWTH_RATE_LEVELS,
    META,
)
