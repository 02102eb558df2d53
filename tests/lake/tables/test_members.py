"""Members of JSON objects: what does not fit is null, and reported once with its place."""

import pytest

from lake.tables.members import is_of, number, reference_id, text, truth, url_id


class Reports(list):
    def __call__(self, path, expected, found):
        self.append((path, expected, found))


@pytest.mark.parametrize(
    ("url", "id_"),
    [
        ("https://pokeapi.co/api/v2/pokemon/25/", 25),
        ("https://pokeapi.co/api/v2/pokemon/25", 25),
        ("/api/v2/pokemon/25/", 25),
        ("https://pokeapi.co/api/v2/pokemon/-1/", -1),
        ("https://pokeapi.co/api/v2/pokemon/0/", 0),
    ],
)
def test_the_id_is_what_a_url_ends_in(url, id_):
    assert url_id(url, "pokemon") == id_


@pytest.mark.parametrize(
    "url",
    [
        "",
        "25",
        "pokemon/25",
        "https://pokeapi.co/api/v2/pokemon/pikachu/",
        "https://pokeapi.co/api/v2/pokemon-species/25/",
        "https://pokeapi.co/api/v2/pokemon/25/encounters",
        "https://pokeapi.co/api/v2/pokemon/25/?x=1",
        "https://pokeapi.co/api/v2/pokemon/2.5/",
        "https://pokeapi.co/api/v2/pokemon/1234567890/",
        "https://pokeapi.co/api/v2/pokemon/25/\n",
    ],
)
def test_a_url_of_another_form_has_no_id(url):
    assert url_id(url, "pokemon") is None


BASES = frozenset({"https://pokeapi.co/api/v2/", "http://pokeapi.co/api/v2/", "http://127.0.0.1:8080/mirror/"})


@pytest.mark.parametrize(
    "url",
    [
        "https://pokeapi.co/api/v2/pokemon/25/",
        "http://pokeapi.co/api/v2/pokemon/25/",
        "HTTPS://PokeAPI.co:443/api/v2/pokemon/25/",
        "https://pokeapi.co/api//v2///pokemon//25//",
        "https://pokeapi.co/%61pi/v2/pok%65mon/%32%35",
        "//pokeapi.co/api/v2/pokemon/25/",
        "/api/v2/pokemon/25/",
        "/api/v2//pok%65mon/25/",
        "../../pokemon/25/",
        "http://127.0.0.1:8080/mirror/pokemon/25/",
        "/mirror/pokemon/25",
    ],
)
def test_a_reference_is_the_same_in_every_spelling(url):
    assert url_id(url, "pokemon", BASES) == url_id(url, "pokemon") == 25
    assert is_of(url, BASES)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.test/api/v2/pokemon/25/",
        "https://elsewhere.test/api/v2/pok%65mon//25/",
        "https://ash@pokeapi.co/api/v2/pokemon/25/",
        "https://pokeapi.co:8080/api/v2/pokemon/25/",
        "http://127.0.0.1/mirror/pokemon/25/",
        "https://pokeapi.co/evil/pokemon/25/",
        "https://pokeapi.co/pokemon/25/",
        "https://pokeapi.co/api/v2/x/pokemon/25/",
        "https://pokeapi.co/api/v2/?/pokemon/25/",
        "https://pokeapi.co/api/v2%2F/pokemon/25/",
        "/api/v1/pokemon/25/",
        "/pokemon/25/",
        "ftp://pokeapi.co/api/v2/pokemon/25/",
        "javascript:/api/v2/pokemon/25/",
        "https:/\\/elsewhere.test/api/v2/pokemon/25/",
        "\\\\elsewhere.test/api/v2/pokemon/25/",
        "/\t/elsewhere.test/api/v2/pokemon/25/",
        "/api/v2\n/pokemon/25/",
    ],
)
def test_a_reference_leads_below_a_source_in_every_program_or_nowhere(url):
    assert url_id(url, "pokemon", BASES) is None
    assert not is_of(url, BASES)


def test_a_url_that_ends_in_no_id_is_no_reference_and_may_lead_anywhere():
    assert all(is_of(url, BASES) for url in ("https://elsewhere.test/sprites/25.png", "https://elsewhere.test/", ""))


@pytest.mark.parametrize("owner", [{}, {"item": None}])
def test_a_reference_that_is_not_there_is_null_and_no_drift(owner):
    reports = Reports()
    assert reference_id(owner, "item", "item", reports) is None
    assert reports == []


@pytest.mark.parametrize("value", ["x", 5, [], {}, {"url": None}])
def test_a_reference_of_another_form_is_null_and_reported(value):
    reports = Reports()
    assert reference_id({"item": value}, "item", "item", reports) is None
    assert reports == [("item", "an object with a URL ending in /item/<id>/", value)]


@pytest.mark.parametrize("url", ["/api/v2/berry/5/", "x", 5])
def test_a_reference_to_something_else_is_reported_by_its_url(url):
    """What else the object says comes before it, and reports are cut short."""
    reports = Reports()
    assert reference_id({"item": {"name": "oran", "url": url}}, "item", "item", reports) is None
    assert reports == [("item", "an object with a URL ending in /item/<id>/", url)]


@pytest.mark.parametrize(
    ("read", "good", "expected"),
    [(number, [0, -1, 2**31 - 1, -(2**31)], "int"), (truth, [True, False], "bool"), (text, ["", "day"], "str")],
    ids=["number", "truth", "text"],
)
def test_a_member_of_its_type_is_kept_and_any_other_is_reported(read, good, expected):
    for value in good:
        reports = Reports()
        assert read({"m": value}, "m", reports) == value
        assert reports == []
    for value in [1, True, 1.0, "day", [], {}]:
        if type(value).__name__ != expected:
            reports = Reports()
            assert read({"m": value}, "m", reports) is None
            assert reports == [("m", expected, value)]
    for owner in ({}, {"m": None}):
        reports = Reports()
        assert read(owner, "m", reports) is None
        assert reports == []


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**70])
def test_a_number_that_no_column_can_hold_is_reported(value):
    reports = Reports()
    assert number({"m": value}, "m", reports) is None
    assert reports == [("m", "int32", value)]
