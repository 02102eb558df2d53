"""Listings of any JSON API that pages: how they go on, end, and are refused."""

from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl.rest import EMPTY_PAGES, hashed_id
from lake.errors import SourceError
from lake.resource import Reference
from tests.lake.crawl import BASE, listed, listing, rest


def test_a_page_may_be_the_list_itself():
    found = listed({"trainers": [{"id": 1}, {"id": 0}]}, results_path="", next_path="")
    assert [reference.id for reference in found.references] == [0, 1]


def test_an_integer_id_stays_as_it_is_and_a_string_becomes_a_number_of_63_bits():
    found = listed({"trainers": {"results": [{"id": -7}, {"id": "7"}]}}, document_path="t/{id}.json")
    assert found.references == (
        Reference("trainer", -7, f"{BASE}t/-7.json", "trainer/-7"),
        Reference("trainer", hashed_id("7"), f"{BASE}t/7.json", "trainer/7"),
    )


def test_an_id_may_be_the_address_of_its_document():
    """As in listings that name their documents by links alone; one that leads elsewhere is an odd item."""
    links = f"{BASE}t/7/", "/v1/t/8/", "https://elsewhere.test/t/9/"
    found = listed({"trainers": {"results": [{"url": link} for link in links]}}, id_path="url", document_path="{id}")
    urls = {reference.url for reference in found.references if reference.id not in found.odd}
    assert urls == {f"{BASE}t/7/", urljoin(BASE, "/v1/t/8/")}
    [(odd, why)] = found.odd.items()
    assert next(one.path for one in found.references if one.id == odd) == "trainer[3]"
    assert f"expected the address of a document below {BASE}, found 'https://elsewhere.test/t/9/'" in why


def test_an_id_may_lie_deep_inside():
    found = listed({"trainers": {"results": [{"trainer": {"key": "a b"}}]}}, id_path="trainer.key")
    assert found.references[0].path == "trainer/a%20b"


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_any_text_that_identifies_stays_within_its_resource_and_fits_64_bits(text: str):
    found = listed({"trainers": {"results": [{"id": text}]}}, document_path="t/{id}")
    [reference] = found.references
    assert reference.path.count("/") == 1
    assert reference.url == f"{BASE}t/{reference.path.removeprefix('trainer/')}"
    assert 0 <= reference.id < 1 << 63


@pytest.mark.parametrize("following", ["?page=2", "/api/v2/trainers?page=2", f"{BASE}trainers?page=2"])
def test_a_link_may_be_relative(following: str):
    pages = {"trainers": {"results": [{"id": 1}], "next": following}, "trainers?page=2": {"results": [{"id": 2}]}}
    assert len(listed(pages).references) == 2


@pytest.mark.parametrize("last", [{}, {"next": None}, {"next": ""}], ids=str)
def test_nothing_where_the_next_page_would_be_ends_a_listing(last: dict[str, Any]):
    assert len(listed({"trainers": {"results": [{"id": 1}], **last}}).references) == 1


def test_a_cursor_goes_into_its_parameter_as_it_is():
    pages = {
        "trainers?n=100000": {"results": [{"id": 1}], "next": "a&b="},
        "trainers?n=100000&from=a%26b%3D": {"results": [{"id": 2}], "next": 0},
        "trainers?n=100000&from=0": {"results": []},
    }
    changes = {"paging": "cursor", "cursor_parameter": "from", "page_size_parameter": "n"}
    assert len(listed(pages, **changes).references) == 2


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({}, "expected a list of items at 'results', found nothing; the page is {}; check rest.results_path"),
        ({"error": "no"}, """found nothing; the page is {"error": "no"}; check rest.results_path"""),
        ({"results": {"of": [1]}}, """at 'results', found {"of": [1 item]}; check rest.results_path"""),
        ([{"id": 1}], """found nothing; the page is [1 item, the first {"id": 1}]; check rest.results_path"""),
        (
            {"results": [{"key": 1}]},
            """at 'id', found nothing; the item is {"key": 1}; check rest.id_path""",
        ),
        ({"results": [{"id": None}]}, "expected something at 'id'"),
        ({"results": [7]}, "Expected `object`, got `int`"),
        ({"results": [{"id": True}]}, "expected an id, an integer or a string, at 'id', found True"),
        ({"results": [{"id": 1.5}]}, "expected an id, an integer or a string"),
        ({"results": [{"id": ""}]}, "expected an id, an integer or a string"),
        ({"results": [{"id": ".."}]}, "expected an id, an integer or a string"),
        ({"results": [{"id": 1 << 63}]}, "expected an id of 64 bits at most"),
        ({"results": [{"id": 1}, {"id": 1}]}, "expected every id once, found trainer/1 twice"),
        (
            {"results": [{"id": 1}], "next": {}},
            "a link to the next page at 'next', found {}; check rest.next_path",
        ),
        (
            {"results": [{"id": 1}], "next": 2},
            "a link to the next page at 'next', found 2; check rest.next_path",
        ),
        ({"results": [{"id": 1}], "next": "https://elsewhere.test/"}, f"expected the next page below {BASE}"),
        ({"results": [{"id": 1}], "next": "//["}, "expected URLs"),
        ({"results": [{"id": 1}], "next": "trainers"}, "expected another page, found one that was read before"),
        ({"results": [{"id": 1}, {"id": "1"}]}, "found trainer/1 twice, as a number and as a text"),
        ({"results": [{"id": hashed_id("a")}, {"id": "a"}]}, f"trainer/{hashed_id('a')} and trainer/a with one id"),
        ({"results": [{"id": (1 << 64) + 1}]}, "expected an id of 64 bits at most at 'id', found 18446744073709551617"),
        ({"results": [{"id": -(1 << 63) - 1}]}, "expected an id of 64 bits at most"),
        ({"results": [{"id": 7.0}]}, "expected an id, an integer or a string, at 'id', found 7.0"),
        ({"results": [{"id": "a" * 1_000_000}]}, "expected an id of at most 1,000 characters at 'id', found one of"),
    ],
    ids=lambda value: str(value)[:80],
)
def test_a_listing_that_does_not_add_up_is_refused(page: object, message: str):
    with pytest.raises(SourceError, match="listing of trainer: ") as caught:
        listed({"trainers": page})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "last", [{"results": None, "next": None}, {"results": None}, {"results": [], "next": ""}], ids=str
)
def test_a_last_page_without_entries_ends_a_listing(last: dict[str, Any]):
    pages = {"trainers": {"results": [{"id": 1}], "next": "a"}, "trainers?cursor=a": last}
    assert [of.id for of in listed(pages, paging="cursor").references] == [1]


def test_null_on_the_way_to_the_entries_means_that_there_are_none():
    assert listed({"trainers": {"data": None}}, results_path="data.users", next_path="data.next").references == ()


@pytest.mark.parametrize("nothing", [[], None])
def test_empty_pages_with_a_cursor_lead_on_within_a_bound(nothing: object):
    def pages(empty: int) -> dict[str, object]:
        found: dict[str, object] = {"trainers": {"results": [{"id": 1}], "next": 0}}
        for number in range(empty):
            found[f"trainers?cursor={number}"] = {"results": nothing, "next": number + 1}
        return {**found, f"trainers?cursor={empty}": {"results": [{"id": 2}]}}

    assert len(listed(pages(EMPTY_PAGES), paging="cursor").references) == 2
    with pytest.raises(SourceError, match="every page but the last, or 10 empty ones in a row at most, found none"):
        listed(pages(EMPTY_PAGES + 1), paging="cursor")


@pytest.mark.parametrize("count_path", ["", "count"])
def test_a_listing_whose_pages_never_end_does(count_path: str, monkeypatch: pytest.MonkeyPatch):
    """By its count, if it states one."""
    monkeypatch.setattr("lake.crawl.pages.MAX_PAGES", 20)
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(200, json={"results": [{"id": asked}], "next": str(asked), "count": 3})

    with pytest.raises(SourceError, match=r"as its count says, 3, found 4|expected at most 20 pages"):
        listing(rest(paging="cursor", count_path=count_path), "trainer", httpx.MockTransport(answer))
    assert asked == (4 if count_path else 20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u00e9", "e\u0301"),
        ("a/b", "a%2Fb"),
        ("A", "a"),
        ("a", "a "),
        ("-1", -2),
        ((1 << 63) - 1, -(1 << 63)),
        ("...", "\x00"),
    ],
    ids=repr,
)
def test_ids_that_look_alike_are_two(one: object, other: object):
    found = listed({"trainers": {"results": [{"id": one}, {"id": other}]}})
    assert len({of.id for of in found.references}) == len({of.path for of in found.references}) == 2


def test_a_cursor_that_comes_twice_is_refused():
    pages = {
        "trainers": {"results": [{"id": 1}], "next": "a"},
        "trainers?cursor=a": {"results": [{"id": 2}], "next": "a"},
    }
    with pytest.raises(SourceError, match=r"one that was read before, '.+cursor=a'"):
        listed(pages, paging="cursor")


def test_a_count_that_does_not_match_is_refused():
    with pytest.raises(SourceError, match=r"as its count says, 3, found 1"):
        listed({"trainers": {"results": [{"id": 1}], "page": {"total": 3}}}, count_path="page.total")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_listing_that_cannot_be_fetched_is_an_error(status: int):
    """It is the settings that name it, so a refusal is a mistake in them."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status))
    with pytest.raises(SourceError, match=f"listing of trainer: .+ could not be fetched: status {status}"):
        listing(rest(), "trainer", transport)
