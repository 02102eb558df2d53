"""Trying a source: what is shown of the right settings, and what is said of wrong ones, without asking Prefect."""

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flows.local.replica import Running
from tests.sources import Api
from tests.sources.battles import battles
from tests.sources.gyms import gyms
from tests.sources.wares import KEY, wares

Ran = Callable[..., tuple[int, str, str]]

FLAGS = {
    "gyms": "--collection gym=gyms --results-path '' --id-path slug --paging header --page-size-parameter per_page"
    " --page-size 5 --document-path {listing}/{id} --requests-per-second 10",
    "battles": "--collection battle=battles --paging cursor --next-path next_cursor --cursor-parameter start_cursor"
    " --more-path has_more --page-size-parameter page_size --page-size 4",
    "wares": "--collection ware=wares --results-path items --paging page --count-path total --requests-per-second 5"
    " --api-key-in query --key-variable WARES_KEY",
}

GYM = """\
gym
one row per gym; key: slug; 3 rows from 3 documents
column               type       row 1           row 2           row 3
------------------------------------------------------------------------------
slug                 string     cerulean        pewter          vermilion
address_geo_lat      double     36.5            36.25           35.4
"""

COSTS = """\
what it takes
-------------
first crawl  1,200 requests, 2 minutes at 10 a second, 406,800 bytes: 200 pages,
             and 1,000 documents one by one; for 1,000 items of gym, because no
             answer says how many there are
refresh      1,200 requests, 2 minutes at 10 a second: as many, but a document
             that did not change is a short answer, by its ETag; for 1,000 items
             of gym, because no answer says how many there are
"""


@pytest.fixture(scope="module")
def apis() -> Iterator[dict[str, Api]]:
    """Serve three APIs of different shapes."""
    with gyms() as of_gyms, battles() as of_battles, wares() as of_wares:
        yield {"gyms": of_gyms, "battles": of_battles, "wares": of_wares}


@pytest.fixture
def tried(apis: dict[str, Api], ran: Ran, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Return a function that tries one of the APIs by flags alone, with further ones; it may ask nothing of Prefect."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Prefect was asked")

    def run(name: str, *more: str) -> tuple[int, str, str]:
        apis[name].asked.clear()
        return ran("try-source", "--source", apis[name].base_url, *shlex.split(FLAGS[name]), *more)

    monkeypatch.setattr("flows.cli.try_source.reach_prefect", refuse)
    monkeypatch.setenv("WARES_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("lake.cli.show.can_print", lambda _: False)
    return run


def test_collections_tables_costs_and_the_block_are_shown(tried: Ran, apis: dict[str, Api]):
    code, out, err = tried("gyms")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for fact in (
        "page       5 items, 354 bytes; how many there are in all is not said",
        "next page  another one follows, by the header Link",
        "documents  3 of them fetched, each with an ETag",
        "limits     X-RateLimit-Limit 60, X-RateLimit-Remaining 59",
        GYM,
        "gym_team\none row per element of team in a document of gym; key: gym_slug, ordinal; 7 rows",
        COSTS,
        "* X-RateLimit-Remaining is 59, and a first crawl makes 1,200: the source will",
        '        "document_path": "{listing}/{id}",\n    },\n    page_size=5,\n).save("gym")',
        "then: pokelake refresh --source-block gym --bucket BUCKET",
    ):
        assert fact in out
    pages = ["GET /v1/gyms?per_page=5", "GET /v1/gyms?per_page=5&page=2"]
    assert apis["gyms"].asked == [*pages, *(f"GET /v1/gyms/{slug}" for slug in ("pewter", "cerulean", "vermilion"))]


def test_a_program_gets_the_same_as_json(tried: Ran):
    code, out, _ = tried("battles", "--json")
    found = json.loads(out)
    [battle] = found["collections"]
    assert (code, found["wrong"], found["requests_made"]) == (0, {}, 2)
    assert (battle["items"], battle["count"], battle["follows"]) == (4, None, True)
    [table, tags] = battle["tables"]
    assert {column["name"]: column["type"] for column in table["columns"]} == {
        "id": "string",
        "fought_at": "timestamp[us, tz=UTC]",
        "loser": "string",
        "reported": "string",
        "score": "string",
        "turns": "int64",
        "winner": "string",
    }
    assert [column["name"] for column in table["columns"] if column["is_json"]] == ["score"]
    assert [row["score"] for row in table["rows"]] == ['"forfeit"', "2", "3"]
    assert (tags["table"], tags["rows"][0]) == (
        "battle_tags",
        {"battle_id": "bt_7qx2", "ordinal": 1, "value": "league"},
    )
    assert battle["notes"] == [
        "battle.score, from score: JSON text because values of several kinds were found: int64, string"
    ]
    assert (found["first_crawl"]["requests"], found["refresh"]["requests"]) == (500, 500)


def test_a_key_comes_from_the_environment_and_a_total_makes_the_costs_exact(tried: Ran, apis: dict[str, Api]):
    omit = '{"ware": {"omit": ["maker.order_token"]}}'
    code, out, _ = tried("wares", "--tables", omit)
    assert code == 0
    items, pages = len(apis["wares"].documents), -(-len(apis["wares"].documents) // 5)
    assert f"; {items} in all\n" in out
    assert f"first crawl  {2 * pages} requests, {2 * pages / 5:.0f} s at 5 a second" in out
    assert KEY not in out
    assert "order_token" not in out.replace(omit, "").partition("what it takes")[0]
    assert 'Secret(value=os.environ["WARES_KEY"]).save("ware-key")' in out
    assert '    api_key_block="ware-key",' in out
    assert f"    tables={omit}," in out.replace("'", '"')


NOTHING = r"found nothing; the page is \{.+\}; check rest\."


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("gyms", "--results-path data", r"list of items at 'data', found nothing; the page is \[5 items.+results_path"),
        ("gyms", "--id-path name", r"at 'name', found nothing; the item is \{\"slug\": \"pewter.+rest.id_path"),
        ("gyms", "--document-path gym/{id}", r"/gym/pewter could .+ 404; check rest.document_path 'gym/\{id\}' and"),
        ("gyms", "--collection gym=gyn", r"/gyn\?per_page=5 could not .+: status 404; check .+rest.collections"),
        ("gyms", "--count-path total", r"at 'total', found nothing; the page is \[5 items.+check rest.count_path"),
        ("gyms", "--count-header X-Total", "in the header X-Total, found no such header; check rest.count_header"),
        ("battles", "--results-path items", NOTHING + "results_path"),
        ("battles", "--more-path more", NOTHING + "more_path"),
        ("battles", "--next-path results", r"cursor .+ at 'results', found \[4 items, the first.+check rest.next_path"),
        ("battles", "--next-path next", r"found none on \{\"results.+\}; check rest.next_path 'next'"),
        ("battles", "--cursor-parameter after", "found those of the page before .+ and rest.cursor_parameter 'after'"),
        ("battles", "--page-size 1000", r"status 400; the answer is \{\"error\": \"page_size: at most 100.+page_size"),
        ("battles", "--paging offset", r"found those of the page before .+ rest.paging and rest.offset_parameter"),
        ("wares", "--first-page 4", r"check rest.page_parameter 'page' and rest.first_page 4"),
        ("wares", "--page-parameter p", r"found those of the page before .+check rest.page_parameter 'p'"),
        (
            "wares",
            "--count-path page",
            r"as its count says, 1, found 5; .+, and rest.count_path 'page', which must be empty",
        ),
        ("wares", "--api-key-parameter key", r"status 401; the answer is \{\"error\": \"a valid.+api_key_block"),
        ("wares", "--max-document-bytes 9", "more than 9 bytes; lower page_size, and check .+ max_document_bytes"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_found(tried: Ran, name: str, flags: str, message: str):
    code, out, err = tried(name, *shlex.split(flags))
    assert code == 1
    assert out == ""
    assert err.startswith("pokelake: ")
    assert re.search(message, " ".join(err.split())), err


def test_what_came_is_shown_although_another_collection_cannot_be_read(tried: Ran):
    code, out, err = tried("battles", "--collection", "search=battles/search")
    assert code == 1
    assert out.startswith("battle\n------\naddress    http://127.0.0.1:")
    # What a crawl of all takes is not known, and nobody should save this block.
    assert "what it takes" not in out
    said = "status 405; the answer is b'Method Not Allowed'; check base_url and rest.collections\n"
    assert err.endswith(f"/battles/search?page_size=4 could not be fetched: {said}")
    code, out, _ = tried("battles", "--collection", "search=battles/search", "--json")
    assert code == 1
    assert list(json.loads(out)["wrong"]) == ["search"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "--collection: expected the collections of a source of kind rest, such as trainer=trainers"),
        ("--collection trainers", "--collection: expected NAME=PATH, such as trainer=trainers, found 'trainers'"),
        ("--collection a=b --key-variable NO_KEY", "--key-variable: expected the name of an environment variable"),
        ("--collection a=b --api-key-in query", "--key-variable, or --api-key-block: expected what holds the key, bec"),
        ("--collection a=b --tables {", "--tables: Input data was truncated, in {"),
        (
            '--collection a=b --tables \'{"a": {"omitt": []}}\'',
            "--tables: expected columns, grain, key, name, om",
        ),
        ("--collection a=b --paging link", "'link' is not one of 'next', 'cursor', 'offset', 'page', 'header'"),
    ],
)
def test_flags_that_say_nothing_usable_are_refused(ran: Ran, flags: str, message: str):
    code, _, err = ran("try-source", "--source", "http://127.0.0.1:9/", *shlex.split(flags))
    assert code == 2
    assert message in " ".join(re.sub("[│╭╮╰╯─]", " ", err).split())


def test_an_address_where_nobody_answers_is_named_once_for_each_collection(ran: Ran):
    begun = time.monotonic()
    code, out, err = ran("try-source", "--source", "http://127.0.0.1:9/", "--collection", "a=b")
    assert (code, out) == (1, "")
    assert err.startswith("pokelake: listing of a: http://127.0.0.1:9/b could not be fetched: ")
    assert re.search(r"; (check base_url|run again).+[^.]$", err)
    assert time.monotonic() - begun < 20


def test_the_tables_of_another_kind_are_those_that_are_declared(
    ran: Ran, small_replica: Running, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    flags = ("--kind", "pokeapi", "--resources", "move-ailment,pokemon")
    code, out, err = ran("try-source", "--source", small_replica.url, *flags)
    assert (code, err) == (0, "")
    assert "next page" not in out
    assert "tables that are declared (`pokelake columns TABLE` shows one): pokemon," in " ".join(out.split())
    listed = [int(count) for count in re.findall(r"^listing  (\d+) items?; ", out, re.MULTILINE)]
    assert f"first crawl  {2 + sum(listed)} requests" in out
    assert '    resources=["move-ailment", "pokemon"],' in out
