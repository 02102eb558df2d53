"""A view of evolutions: who becomes whom, and what it takes, as an English sentence."""

from lake.views.declare import text, truth, view, whole

# What things are called in English, or else by their slug in words: a source may have no name of a new item.
_CALLED = """
WITH english AS (
    SELECT resource_name, resource_id, min(name) AS name FROM names WHERE language_id = 9 GROUP BY ALL
),
slugs AS (
    SELECT 'evolution-trigger' AS resource_name, evolution_trigger_id AS id, name FROM evolution_triggers
    UNION ALL SELECT 'item', item_id, name FROM items
    UNION ALL SELECT 'location', location_id, name FROM locations
    UNION ALL SELECT 'move', move_id, name FROM moves
    UNION ALL SELECT 'pokemon-species', species_id, name FROM species
    UNION ALL SELECT 'region', region_id, name FROM regions
    UNION ALL SELECT 'type', type_id, name FROM types
),
called AS (
    SELECT s.resource_name, s.id, s.name AS slug, coalesce(e.name, array_to_string(
        list_transform(string_split(s.name, '-'), lambda word: upper(word[1]) || word[2:]), ' '
    )) AS name
    FROM slugs s LEFT JOIN english e ON e.resource_name = s.resource_name AND e.resource_id = s.id
),
varieties AS (
    SELECT p.pokemon_id, any_value(p.name) AS slug, coalesce(min(e.name), min(c.name)) AS name
    FROM pokemon p
    LEFT JOIN forms f ON f.pokemon_id = p.pokemon_id AND f.is_default
    LEFT JOIN english e ON e.resource_name = 'pokemon-form' AND e.resource_id = f.form_id
    LEFT JOIN called c ON c.resource_name = 'pokemon-species' AND c.id = p.species_id
    GROUP BY p.pokemon_id
)
"""

# The triggers, by their ids: what sets it off, with the conditions that are part of it.
_ACTS = """
    CASE e.trigger_id
        WHEN 1 THEN 'Level up' || coalesce(' at level ' || e.min_level || ' or higher', '')
        WHEN 2 THEN 'Trade' || coalesce(' for ' || trade.name, '')
        WHEN 3 THEN 'Use the ' || coalesce(item.name, 'right item')
        WHEN 4 THEN 'Have a free place in the party and a Poké Ball when it evolves otherwise'
        WHEN 5 THEN 'Spin around while it holds a sweet'
        WHEN 6 THEN 'Train in the Tower of Darkness'
        WHEN 7 THEN 'Train in the Tower of Waters'
        WHEN 8 THEN 'Land three critical hits in one battle'
        WHEN 9 THEN 'Take' || coalesce(' at least ' || e.min_damage_taken || ' HP of', '') || ' damage'
        WHEN 11 THEN 'Use ' || coalesce(used.name, 'a move') || ' in agile style' || <times>
        WHEN 12 THEN 'Use ' || coalesce(used.name, 'a move') || ' in strong style' || <times>
        WHEN 13 THEN 'Lose' || coalesce(' at least ' || e.min_damage_taken || ' HP', '') || ' by recoil'
        WHEN 14 THEN 'Use ' || coalesce(used.name, 'a move') || <times>
        WHEN 15 THEN 'Defeat three Bisharp that hold a Leader''s Crest'
        WHEN 16 THEN 'Level up with 999 Gimmighoul Coins'
        WHEN 10 THEN 'Do what the source does not name'
        ELSE coalesce(act.name, 'Do what the source does not name')
    END
""".replace("<times>", "coalesce(' ' || e.min_move_count || ' times', '')")

# Conditions beside the trigger, in the order in which they are said. A condition that the trigger has said is left out.
_CONDITIONS = (
    "CASE WHEN e.trigger_id IS DISTINCT FROM 1 THEN 'at level ' || e.min_level || ' or higher' END",
    "CASE WHEN e.trigger_id IS DISTINCT FROM 2 THEN 'in exchange for ' || trade.name END",
    "CASE WHEN e.trigger_id IS DISTINCT FROM 3 THEN 'with the item ' || item.name END",
    # A variety that is called as its species is the usual one.
    "CASE WHEN base.name IS DISTINCT FROM source.name THEN 'as ' || base.name END",
    "CASE e.gender_id WHEN 1 THEN 'if it is female' WHEN 2 THEN 'if it is male' WHEN 3 THEN 'if it is genderless' END",
    "'holding the ' || held.name",
    "'knowing ' || known.name",
    "'knowing a move of the type ' || known_type.name",
    "CASE WHEN e.trigger_id IS NULL OR e.trigger_id NOT IN (11, 12, 14)"
    " THEN 'having used ' || used.name || coalesce(' ' || e.min_move_count || ' times', '') END",
    "CASE WHEN e.used_move_id IS NULL AND (e.trigger_id IS NULL OR e.trigger_id NOT IN (11, 12, 14))"
    " THEN 'having used a move ' || e.min_move_count || ' times' END",
    "'with a happiness of ' || e.min_happiness || ' or more'",
    "'with an affection of ' || e.min_affection || ' or more'",
    "'with a beauty of ' || e.min_beauty || ' or more'",
    "CASE WHEN e.trigger_id IS NULL OR e.trigger_id NOT IN (9, 13)"
    " THEN 'having taken at least ' || e.min_damage_taken || ' HP of damage' END",
    "'after ' || e.min_steps || ' steps with it'",
    "CASE e.relative_physical_stats WHEN 1 THEN 'with more attack than defence'"
    " WHEN 0 THEN 'with as much attack as defence' WHEN -1 THEN 'with less attack than defence' END",
    "'with ' || party.name || ' in the party'",
    "'with a Pokémon of the type ' || party_type.name || ' in the party'",
    "CASE e.time_of_day WHEN 'day' THEN 'by day' WHEN 'night' THEN 'by night' WHEN 'dusk' THEN 'at dusk'"
    " WHEN 'full-moon' THEN 'at full moon' ELSE 'at the time ' || e.time_of_day END",
    "'at ' || place.name",
    "'in ' || region.name",
    "CASE WHEN e.near_special_rock THEN 'near a special rock' END",
    "CASE WHEN e.needs_overworld_rain THEN 'while it rains' END",
    "CASE WHEN e.needs_multiplayer THEN 'while playing with others' END",
    "CASE WHEN e.turn_upside_down THEN 'with the console upside down' END",
)

# What a condition refers to: the name under which it is joined, the kind of thing, and the column with its id.
_JOINED = (
    ("source", "pokemon-species", "from_species_id"),
    ("target", "pokemon-species", "to_species_id"),
    ("act", "evolution-trigger", "trigger_id"),
    ("item", "item", "item_id"),
    ("held", "item", "held_item_id"),
    ("known", "move", "known_move_id"),
    ("known_type", "type", "known_move_type_id"),
    ("used", "move", "used_move_id"),
    ("place", "location", "location_id"),
    ("party", "pokemon-species", "party_species_id"),
    ("party_type", "type", "party_type_id"),
    ("trade", "pokemon-species", "trade_species_id"),
    ("region", "region", "region_id"),
)

_SQL = f"""{_CALLED}
SELECT
    e.evolution_chain_id, e.ordinal, e.from_species_id, source.slug AS from_species, base.slug AS from_variety,
    e.to_species_id, target.slug AS to_species, evolved.slug AS to_variety,
    CASE WHEN e.trigger_id IS NULL AND e.is_default_way IS NULL THEN 'The source does not say how'
        ELSE concat_ws(', ', {_ACTS}, {", ".join(_CONDITIONS)}) END || '.' AS conditions,
    games.name AS games, e.is_default_way, e.depth
FROM evolution_edges e
{
    " ".join(
        f"LEFT JOIN called {name} ON {name}.resource_name = '{resource}' AND {name}.id = e.{column}"
        for name, resource, column in _JOINED
    )
}
LEFT JOIN varieties base ON base.pokemon_id = e.base_form_pokemon_id
LEFT JOIN varieties evolved ON evolved.pokemon_id = e.evolved_form_pokemon_id
LEFT JOIN version_groups games ON games.version_group_id = e.version_group_id
"""

EVOLUTIONS = view(
    "evolutions",
    "one row per way in which one species evolves into another; several ways are alternatives",
    ("evolution_chain_id", "ordinal"),
    "evolution_edges species pokemon forms names evolution_triggers items locations moves regions types version_groups",
    (
        whole("evolution_chain_id", "The family's tree.", references="evolution-chain"),
        whole("ordinal", "Running number within the tree, from 1, nearest to the root first."),
        whole("from_species_id", "What evolves.", references="pokemon-species"),
        text("from_species", "PokeAPI's slug of it. Null: the species is not in the lake."),
        text("from_variety", "PokeAPI's slug of the variety that it must be. Null: any, or the source does not say."),
        whole("to_species_id", "What it becomes.", references="pokemon-species"),
        text("to_species", "PokeAPI's slug of it. Null: the species is not in the lake."),
        text("to_variety", "PokeAPI's slug of the variety that it becomes. Null: the source does not say."),
        text("conditions", "What it takes, as an English sentence: all of it must hold."),
        text("games", "PokeAPI's slug of the games in which this way came up. Null: the source does not say."),
        truth("is_default_way", "Whether it is the usual way. Null: the source gives no way."),
        whole("depth", "1 for an evolution of the root, 2 for one of its children."),
    ),
    _SQL,
)
