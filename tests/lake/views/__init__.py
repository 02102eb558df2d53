"""Tests of the ready views: over the demo's lake, and over the real corpora."""

# What one type deals another in the games of a generation, in percent.
KNOWN = {
    1: {
        ("ghost", "psychic"): 0,
        ("bug", "poison"): 200,
        ("poison", "bug"): 200,
        ("ice", "fire"): 100,
        ("bug", "psychic"): 200,
        ("psychic", "bug"): 100,
        ("normal", "ghost"): 0,
        ("electric", "ground"): 0,
    },
    2: {
        ("ghost", "psychic"): 200,
        ("bug", "poison"): 50,
        ("poison", "bug"): 100,
        ("ice", "fire"): 50,
        ("ghost", "steel"): 50,
        ("dark", "steel"): 50,
        ("psychic", "dark"): 0,
        ("poison", "steel"): 0,
    },
    5: {("ghost", "steel"): 50, ("dark", "steel"): 50, ("dragon", "steel"): 50, ("dark", "ghost"): 200},
    6: {("ghost", "steel"): 100, ("dark", "steel"): 100, ("dragon", "fairy"): 0, ("fairy", "dragon"): 200},
    9: {("ghost", "steel"): 100, ("poison", "fairy"): 200, ("bug", "fairy"): 50, ("normal", "ghost"): 0},
}

# How many types battles have, by generation.
TYPES = {1: 15, **dict.fromkeys(range(2, 6), 17), **dict.fromkeys(range(6, 10), 18)}
