"""Tables of places: regions, the locations in them, and the areas in these."""

import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.declare import NAME_FIELD, Mirror, child, own_id, reference, term

REGIONS = term(
    "region",
    "regions",
    "region",
    reference(
        "main_generation_id",
        "The generation whose games introduced it. Null: none of the main series did.",
        "main_generation.url",
        "generation",
        nullable=True,
    ),
    grain="one row per region, such as kanto",
)

LOCATIONS = term(
    "location",
    "locations",
    "location",
    reference("region_id", "The region that it lies in. Null: none given.", "region.url", "region", nullable=True),
    grain="one row per location, such as a town, a route or a cave",
)

LOCATION_GAME_INDICES = child(
    "location",
    (LOCATIONS.field("location_id"),),
    "location_game_indices",
    "one row per number that the games of a generation give a location internally; one may have several",
    "game_indices[]",
    reference("games_generation_id", "The generation of these games.", "game_indices[].generation.url", "generation"),
    Field("game_index", pa.int32(), "The games' internal number.", "game_indices[].game_index"),
)

_LOCATION_AREA_ID = own_id("location_area", "area")
LOCATION_AREAS = Table(
    name="location_areas",
    grain="one row per area of a location; what appears there is in pokemon_encounters",
    resources=("location-area",),
    primary_key=("location_area_id",),
    fields=(
        _LOCATION_AREA_ID,
        NAME_FIELD,
        reference("location_id", "The location that it is a part of.", "location.url", "location"),
        Field(
            "game_index",
            pa.int32(),
            "The games' internal number. Null: none given, 0 in the source.",
            "game_index",
            nullable=True,
            null_when=0,
        ),
    ),
)

_RATES = "encounter_method_rates[]"
LOCATION_AREA_ENCOUNTER_RATES = child(
    "location-area",
    (_LOCATION_AREA_ID,),
    "location_area_encounter_rates",
    "one row per area, way to meet Pokémon there, and version: how often one is met at all",
    f"{_RATES}.version_details[]",
    reference("encounter_method_id", "How one is met.", f"{_RATES}.encounter_method.url", "encounter-method"),
    reference("version_id", "The game.", f"{_RATES}.version_details[].version.url", "version"),
    Field("rate_percent", pa.int32(), "Chance to meet one.", f"{_RATES}.version_details[].rate", unit="percent"),
)

PAL_PARK_AREAS = term(
    "pal-park-area",
    "pal_park_areas",
    "area",
    grain="one row per area of the Pal Park; what appears there is in species_pal_park_encounters",
)

TABLES = (
    REGIONS,
    LOCATIONS,
    LOCATION_GAME_INDICES,
    LOCATION_AREAS,
    LOCATION_AREA_ENCOUNTER_RATES,
    PAL_PARK_AREAS,
)

MIRRORS = (
    Mirror("region", "locations[]", "locations", "region_id"),
    Mirror("location", "areas[]", "location_areas", "location_id"),
    Mirror("pal-park-area", "pokemon_encounters[]", "species_pal_park_encounters", "pal_park_area_id"),
)
