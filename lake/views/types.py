"""Views of types: the type chart of every generation."""

from lake.views.declare import text, view, whole

# PokeAPI's past lists are whole lists: one that ends with a generation says all that a type dealt and took in it, and
# before it back to the list that ended earlier; what it does not name was 100 percent. Today's relations say nothing of
# that time. Of a pair, the list counts that ends first, of whichever type it is; two that end together agree.
_CHART = """
WITH stated AS (
    SELECT until_generation_id, attacking_type_id, defending_type_id, max(damage_percent) AS damage_percent
    FROM type_effectiveness GROUP BY ALL
),
ended AS (
    SELECT DISTINCT type_id, until_generation_id FROM type_effectiveness
),
lists AS (
    SELECT g.generation_id AS generation, t.type_id, t.name, min(s.until_generation_id) AS until
    FROM generations g
    JOIN types t ON t.generation_id <= g.generation_id AND t.name NOT IN ('stellar', 'unknown', 'shadow')
    LEFT JOIN ended s ON s.type_id = t.type_id AND s.until_generation_id >= g.generation_id
    GROUP BY ALL
),
pairs AS (
    SELECT a.generation, a.type_id AS attacking_type_id, a.name AS attacking_type,
        d.type_id AS defending_type_id, d.name AS defending_type, least(a.until, d.until) AS until
    FROM lists a JOIN lists d ON d.generation = a.generation
)
SELECT p.generation, p.attacking_type_id, p.attacking_type, p.defending_type_id, p.defending_type,
    coalesce(s.damage_percent, 100) AS damage_percent
FROM pairs p
LEFT JOIN stated s ON s.until_generation_id IS NOT DISTINCT FROM p.until
    AND s.attacking_type_id = p.attacking_type_id AND s.defending_type_id = p.defending_type_id
"""

_NEEDS = "types generations type_effectiveness"
_TYPES = (
    whole("attacking_type_id", "Type of the move.", references="type"),
    text("attacking_type", "PokeAPI's slug of it."),
    whole("defending_type_id", "Type of its target.", references="type"),
    text("defending_type", "PokeAPI's slug of it."),
)
_DAMAGE = whole("damage_percent", "Damage dealt: 0, 50, 100 or 200.", "percent")

TYPE_CHART = view(
    "type_chart",
    "one row per generation and pair of types that battles have in it: 15² in generation 1, 17² from 2, 18² from 6 on",
    ("generation", "attacking_type_id", "defending_type_id"),
    _NEEDS,
    (whole("generation", "The generation of games."), *_TYPES, _DAMAGE),
    _CHART,
)

TYPE_MATCHUPS = view(
    "type_matchups",
    "one row per pair of types and span of generations with the same damage; each pair stands once for any generation",
    ("attacking_type_id", "defending_type_id", "from_generation"),
    _NEEDS,
    (
        *_TYPES,
        _DAMAGE,
        whole("from_generation", "First generation in which it is so."),
        whole("until_generation", "Last generation in which it was so. Null: it is so today."),
    ),
    f"""
WITH chart AS ({_CHART}),
marked AS (
    SELECT *, damage_percent IS DISTINCT FROM lag(damage_percent) OVER (
        PARTITION BY attacking_type_id, defending_type_id ORDER BY generation
    ) AS is_first FROM chart
),
numbered AS (
    SELECT *, count(*) FILTER (is_first) OVER (
        PARTITION BY attacking_type_id, defending_type_id ORDER BY generation
    ) AS span FROM marked
)
SELECT attacking_type_id, attacking_type, defending_type_id, defending_type, damage_percent,
    min(generation) AS from_generation,
    CASE WHEN max(generation) < (SELECT max(generation_id) FROM generations) THEN max(generation) END
        AS until_generation
FROM numbered GROUP BY attacking_type_id, attacking_type, defending_type_id, defending_type, damage_percent, span
""",
)
