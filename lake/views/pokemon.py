"""Views of Pokémon: one row with all that a comparison takes, and what each of them can learn."""

from lake.views.declare import decimal, text, truth, view, whole

_GENERATION = whole(
    "generation", "The generation that introduced its species. 0: unknown.", stand_ins=((0, "unknown"),)
)
_NO_STAT = "Null: the source gives none."

POKEMON_WIDE = view(
    "pokemon_wide",
    "one row per Pokémon variety, with its types, stats, abilities, size and flags; Raichu and Alolan Raichu are two",
    ("pokemon_id",),
    "pokemon species pokemon_types types pokemon_stats pokemon_abilities abilities forms",
    (
        whole("pokemon_id", "PokeAPI's id of the variety.", references="pokemon"),
        text("name", "PokeAPI's slug of the variety."),
        whole("species_id", "Its species.", references="pokemon-species"),
        text("species", "PokeAPI's slug of the species. Null: the species is not in the lake."),
        _GENERATION,
        text("type_1", f"Its first type. {_NO_STAT}"),
        text("type_2", "Its second type. Null: it has one."),
        whole("hp", f"Base HP. {_NO_STAT}"),
        whole("attack", f"Base attack. {_NO_STAT}"),
        whole("defense", f"Base defence. {_NO_STAT}"),
        whole("special_attack", f"Base special attack. {_NO_STAT}"),
        whole("special_defense", f"Base special defence. {_NO_STAT}"),
        whole("speed", f"Base speed. {_NO_STAT}"),
        whole("total", f"Sum of the six base stats. {_NO_STAT}"),
        text("ability_1", f"Its first ability. {_NO_STAT}"),
        text("ability_2", "Its other regular ability. Null: it has one."),
        text("hidden_ability", "Its hidden ability. Null: it has none."),
        decimal("height_m", "Height.", "metre"),
        decimal(
            "weight_kg",
            "Weight. Null: the games show none; in the source that is 10000 for Gigantamax forms and 0.",
            "kilogram",
        ),
        truth("is_default", "Whether it is its species' default variety."),
        truth("is_baby", "Whether it is a baby Pokémon. Null: the species is not in the lake."),
        truth("is_legendary", "Whether its species is legendary. Null: the species is not in the lake."),
        truth("is_mythical", "Whether its species is mythical. Null: the species is not in the lake."),
        truth("is_mega", "Whether it is a Mega Evolution. Null: its form is not in the lake."),
        truth("is_gigantamax", "Whether it is a Gigantamax form."),
        truth("is_battle_only", "Whether it exists in battles alone. Null: its form is not in the lake."),
    ),
    """
SELECT
    p.pokemon_id, p.name, p.species_id, s.name AS species, p.generation, t.type_1, t.type_2,
    b.hp, b.attack, b.defense, b.special_attack, b.special_defense, b.speed, b.total,
    a.ability_1, a.ability_2, a.hidden_ability,
    p.height_dm / 10.0 AS height_m,
    CASE WHEN p.weight_hg > 0 AND NOT (p.weight_hg = 10000 AND p.name LIKE '%-gmax') THEN p.weight_hg / 10.0 END
        AS weight_kg,
    p.is_default, s.is_baby, s.is_legendary, s.is_mythical,
    f.is_mega, p.name LIKE '%-gmax' AS is_gigantamax, f.is_battle_only
FROM pokemon p
LEFT JOIN species s ON s.species_id = p.species_id AND s.generation = p.generation
LEFT JOIN (
    SELECT pokemon_id, pt.generation,
        max(t.name) FILTER (slot = 1) AS type_1, max(t.name) FILTER (slot = 2) AS type_2
    FROM pokemon_types pt JOIN types t USING (type_id) GROUP BY pokemon_id, pt.generation
) t ON t.pokemon_id = p.pokemon_id AND t.generation = p.generation
LEFT JOIN (
    SELECT pokemon_id, generation,
        max(base_stat) FILTER (stat_id = 1) AS hp, max(base_stat) FILTER (stat_id = 2) AS attack,
        max(base_stat) FILTER (stat_id = 3) AS defense, max(base_stat) FILTER (stat_id = 4) AS special_attack,
        max(base_stat) FILTER (stat_id = 5) AS special_defense, max(base_stat) FILTER (stat_id = 6) AS speed,
        sum(base_stat) FILTER (stat_id BETWEEN 1 AND 6) AS total
    FROM pokemon_stats GROUP BY pokemon_id, generation
) b ON b.pokemon_id = p.pokemon_id AND b.generation = p.generation
LEFT JOIN (
    SELECT pokemon_id, pa.generation,
        max(a.name) FILTER (slot = 1) AS ability_1, max(a.name) FILTER (slot = 2) AS ability_2,
        max(a.name) FILTER (slot = 3) AS hidden_ability
    FROM pokemon_abilities pa JOIN abilities a USING (ability_id) GROUP BY pokemon_id, pa.generation
) a ON a.pokemon_id = p.pokemon_id AND a.generation = p.generation
LEFT JOIN (
    SELECT pokemon_id, bool_or(is_mega) AS is_mega, bool_or(is_battle_only) AS is_battle_only
    FROM forms WHERE is_default GROUP BY pokemon_id
) f ON f.pokemon_id = p.pokemon_id
""",
)

LEARNSETS = view(
    "learnsets",
    "one row per way in which a Pokémon variety learns a move in some games",
    ("pokemon_id", "ordinal"),
    "pokemon_moves pokemon moves types move_damage_classes move_learn_methods version_groups",
    (
        whole("pokemon_id", "PokeAPI's id of the variety.", references="pokemon"),
        whole("ordinal", "Place in the variety's list, from 1."),
        text("pokemon", "PokeAPI's slug of the variety."),
        _GENERATION,
        whole("move_id", "The move.", references="move"),
        text("move", "PokeAPI's slug of the move. Null: the move is not in the lake."),
        text("type", "Type of the move today. Null: the move is not in the lake."),
        text("damage_class", "Physical, special or status. Null: the move is not in the lake."),
        whole("power", "Base power of the move today. Null: it has none."),
        whole("accuracy_percent", "Chance to hit today. Null: it never misses.", "percent"),
        text("method", "How it is learnt: level-up, machine, egg, tutor, … Null: the method is not in the lake."),
        whole("level", "Level at which it is learnt. Null: not by level, or on evolution.", "level"),
        truth("is_on_evolution", "Whether it is learnt when the Pokémon evolves."),
        text("games", "PokeAPI's slug of the games. Null: they are not in the lake."),
        whole("games_generation", "The generation of these games. Null: they are not in the lake."),
    ),
    # Of the methods, 1 is level-up; 0 is the level of moves that are learnt on evolution, and of all other methods.
    """
SELECT
    l.pokemon_id, l.ordinal, p.name AS pokemon, l.generation, l.move_id, m.name AS move, t.name AS type,
    c.name AS damage_class, m.power, m.accuracy_percent, w.name AS method,
    CASE WHEN l.move_learn_method_id = 1 AND l.level_learned_at > 0 THEN l.level_learned_at END AS level,
    l.move_learn_method_id = 1 AND l.level_learned_at = 0 AS is_on_evolution,
    g.name AS games, g.generation_id AS games_generation
FROM pokemon_moves l
JOIN pokemon p ON p.pokemon_id = l.pokemon_id AND p.generation = l.generation
LEFT JOIN moves m ON m.move_id = l.move_id
LEFT JOIN types t ON t.type_id = m.type_id
LEFT JOIN move_damage_classes c ON c.damage_class_id = m.damage_class_id
LEFT JOIN move_learn_methods w ON w.move_learn_method_id = l.move_learn_method_id
LEFT JOIN version_groups g ON g.version_group_id = l.version_group_id
""",
)
