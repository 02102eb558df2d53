"""Which Pokémon a page shows closely, and what it may ask for to show it."""

import pytest

from lake.errors import UnknownNameError
from lake.report.spotlight import chosen, is_picture

POKEMON = [
    {"pokemon_id": id_, "name": name, "is_default": id_ < 10_000}
    for id_, name in [
        (25, "pikachu"),
        (26, "raichu"),
        (386, "deoxys-normal"),
        (10_001, "deoxys-attack"),
        (132, "ditto"),
    ]
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, 386), ("132", 132), (" Ditto ", 132), ("10001", 10_001), ("deoxys-attack", 10_001), ("deoxys", 386)],
)
def test_it_is_asked_for_by_slug_or_id_and_else_the_newest(asked: str | None, found: int):
    """The newest species, because ids of other varieties are higher."""
    one = chosen(POKEMON, asked)
    assert one is not None
    assert one["pokemon_id"] == found


def test_where_there_is_none_none_is_shown():
    assert chosen([], None) is None


@pytest.mark.parametrize(("asked", "near"), [("pikachuu", "pikachu"), ("deo", "deoxys-attack or deoxys-normal")])
def test_an_unknown_one_is_answered_with_the_nearest_and_how_many_there_are(asked: str, near: str):
    others = [{"pokemon_id": id_, "name": f"x{id_}", "is_default": True} for id_ in range(500, 600)]
    with pytest.raises(UnknownNameError) as caught:
        chosen([*POKEMON, *others], f"{asked}!")
    assert str(caught.value) == f"no Pokémon '{asked}!'; there are: 105 others. Did you mean {near}?"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/25.png",
        "javascript:alert(1)",
        'https://example.org/"onerror="alert(1)',
        "https://example.org/a b",
        "https://user@example.org/25.png",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "//example.org/25.png",
        "https:///25.png",
        "https://[/25.png",
        "https://example.org/\u202e",
        f"https://example.org/{'a' * 500}",
    ],
)
def test_what_is_no_plain_address_is_no_picture(url: str):
    assert not is_picture(url)
