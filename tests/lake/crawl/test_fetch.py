"""What becomes of each document that is asked for."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.local.replica import Running
from lake.crawl import Fetched, Wanted
from lake.resource import Document, Reference
from tests.flows.local.replica import settle
from tests.lake.crawl import JSON, NUMBERS, Pieces, always, fetch_all, source, wanted

ALL = ("pokemon/25", "pokemon/132", "pokemon/10100")


def ids(references: Sequence[Reference | Document]) -> list[int]:
    return sorted(reference.id for reference in references)


def outcome(fetched: Fetched) -> dict[str, list[int]]:
    """Return the ids in each of the four places."""
    return {
        "received": ids(fetched.received),
        "unchanged": ids(fetched.unchanged),
        "gone": ids(fetched.gone),
        "failed": ids([reference for reference, _ in fetched.failed]),
    }


NOTHING: dict[str, list[int]] = {"received": [], "unchanged": [], "gone": [], "failed": []}


# What becomes of a document


def test_a_document_is_received_as_it_was_sent(running: Running):
    sent = httpx.get(f"{running.url}pokemon/25/")
    before = datetime.now(UTC)
    settings = source(running.url)
    [received] = fetch_all(settings, wanted(settings, "pokemon/25")).received
    assert (received.path, received.etag, received.body) == ("pokemon/25", sent.headers["etag"], sent.content)
    assert before <= received.fetched_at <= datetime.now(UTC)


def test_a_document_is_asked_for_by_the_url_that_the_listing_gave(running: Running):
    """With and without slash are different entries of PokeAPI's caches, and can disagree."""
    settings = source(running.url)
    reference = Reference("pokemon", 25, f"{running.url}pokemon/25", "pokemon/25")
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"id": 25})

    fetch_all(settings, [Wanted(reference)], httpx.MockTransport(answer))
    assert asked == [reference.url]


def test_a_shard_of_long_documents_comes_in_portions(running: Running, monkeypatch: pytest.MonkeyPatch):
    """What is in memory does not follow from their length; a portion has the first ones, whatever came of them."""
    settings = source(running.url, connections=2, parallel_shards=1)
    asked = [
        *wanted(settings, "pokemon/25", "pokemon/26"),
        *wanted(settings, "pokemon/132", "pokemon/10100", "pokemon/151"),
    ]
    whole = fetch_all(settings, asked)
    longest = max(len(item.body) for item in whole.received)
    monkeypatch.setattr(import_module("lake.crawl.fetch"), "PORTION_BYTES", longest)
    portions, left = [], asked
    while left:
        portions.append(fetch_all(settings, left))
        left = left[portions[-1].answered :]
    assert len(portions) > 1
    assert max(portion.answered for portion in portions) < len(asked)
    found = Fetched()
    for portion in portions:
        found.add(portion)
    assert outcome(found) == outcome(whole)
    assert found.requests == whole.requests


def test_an_unchanged_document_is_not_received_again(running: Running):
    settings = source(running.url)
    etag = fetch_all(settings, wanted(settings, "pokemon/25")).received[0].etag
    running.reset()
    assert outcome(fetch_all(settings, wanted(settings, "pokemon/25", etag=etag))) == {**NOTHING, "unchanged": [25]}
    assert running.counters()["by_status"] == {"304": 1}


def test_a_negative_id_is_fetched(running: Running):
    settings = source(running.url)
    assert outcome(fetch_all(settings, wanted(settings, "move-ailment/-1"))) == {**NOTHING, "received": [-1]}


def test_a_listed_document_that_is_not_found_failed(running: Running):
    """PokeAPI has listed documents that its caches did not have; that deletes nothing."""
    running.faults([{"kind": "drop", "path": "^pokemon/25$"}])
    settings = source(running.url)
    fetched = fetch_all(settings, wanted(settings, *ALL))
    assert outcome(fetched) == {**NOTHING, "received": [132, 10100], "failed": [25]}
    assert [reason for _, reason in fetched.failed] == ["listed, but status 404"]


def test_an_unlisted_document_that_is_not_found_is_gone(running: Running):
    settings = source(running.url)
    assert outcome(fetch_all(settings, wanted(settings, "pokemon/26", is_listed=False))) == {**NOTHING, "gone": [26]}


def test_an_unlisted_document_that_is_found_is_received(running: Running):
    settings = source(running.url)
    fetched = fetch_all(settings, wanted(settings, "pokemon/25", is_listed=False))
    assert outcome(fetched) == {**NOTHING, "received": [25]}


@pytest.mark.parametrize("status", [400, 403, 410, 500])
def test_only_a_404_says_that_a_document_is_gone(running: Running, status: int):
    running.faults([{"kind": "status", "status": status}])
    settings = source(running.url)
    assert outcome(fetch_all(settings, wanted(settings, "pokemon/25", is_listed=False))) == {**NOTHING, "failed": [25]}


def test_nothing_is_made_of_nothing(running: Running):
    fetched = fetch_all(source(running.url), [])
    assert (outcome(fetched), fetched.requests) == (NOTHING, 0)
    assert running.counters()["requests"] == 0


SPOILT: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 403}, "status 403"),
    ({"kind": "status", "status": 429}, "status 429"),
    ({"kind": "status", "status": 429, "retry_after": "3600"}, "status 429, come back in 3600 s"),
    ({"kind": "status", "status": 503, "retry_after": "²"}, "status 503"),
    ({"kind": "status", "status": 304}, "status 304"),
    ({"kind": "truncated", "variant": "length"}, "RemoteProtocolError: "),
    ({"kind": "truncated", "variant": "chunked"}, "RemoteProtocolError: "),
    ({"kind": "truncated", "variant": "close"}, "invalid JSON: "),
    ({"kind": "truncated", "variant": "gzip"}, "invalid gzip: "),
    ({"kind": "invalid_json"}, "invalid JSON: "),
    ({"kind": "html"}, "content type: "),
    ({"kind": "html", "status": 404}, "listed, but status 404"),
    ({"kind": "content_type"}, "content type: "),
    ({"kind": "reset"}, "RemoteProtocolError: "),
    ({"kind": "reset", "keep": None}, "ReadError"),
    ({"kind": "redirect", "location": "http://elsewhere.test/"}, "redirected to another origin, "),
    ({"kind": "redirect", "location": "/api/v2/pokemon/132/"}, "id: expected 25, found 132"),
    ({"kind": "redirect", "location": "http://[::1"}, "redirected to no HTTP address, "),
    ({"kind": "huge", "bytes": 1_000_000}, "more than 10,000 bytes"),
    ({"kind": "bomb", "bytes": 1_000_000}, "more than 10,000 bytes"),
    ({"kind": "wrong_id"}, "id: expected 25, found 26"),
]


@pytest.mark.parametrize(("rule", "reason"), SPOILT, ids=str)
def test_a_document_that_fails_is_named_and_does_not_stop_the_others(
    running: Running, rule: dict[str, Any], reason: str
):
    running.faults([{**rule, "path": "^pokemon/25$"}])
    settings = source(running.url, connections=1, max_document_bytes=10_000)
    fetched = fetch_all(settings, wanted(settings, *ALL))
    assert outcome(fetched) == {**NOTHING, "received": [132, 10100], "failed": [25]}
    [(reference, found)] = fetched.failed
    assert reference.path == "pokemon/25"
    assert found.startswith(reason)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": b"\xb2"},
        {"Retry-After": b"1 Jan 99999999999 00:00:00 GMT"},
        {"Location": b"http://[::1"},
        {"Location": b"\x7f"},
        {"Location": b"http://a:b/"},
        {"Content-Encoding": b"\xff"},
        {"Content-Type": b"\xff/json"},
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [200, 302, 503])
def test_no_header_stops_a_crawl(headers: dict[str, bytes], status: int):
    settings = source()
    transport = always(b"[]", status, {**JSON, **headers})
    assert outcome(fetch_all(settings, wanted(settings, *ALL), transport)) == {**NOTHING, "failed": [25, 132, 10100]}


# What becomes of all of them


@pytest.fixture(scope="module")
def sent(shared_dozen: Running) -> dict[int, httpx.Response]:
    """Return what is answered to whoever asks for one of the twelve when nothing is wrong."""
    # It is asked before `dozen` forgets what another test left.
    settle(shared_dozen)
    with httpx.Client(base_url=shared_dozen.url) as client:
        return {id_: client.get(f"pokemon/{id_}/") for id_ in NUMBERS}


def test_every_document_that_a_fault_spares_at_last_is_received(dozen: Running):
    kinds = [rule for rule, _ in SPOILT if rule["kind"] in ("truncated", "invalid_json", "html", "content_type")]
    kinds += [rule for rule, _ in SPOILT if rule["kind"] in ("reset", "wrong_id")]
    kinds = [rule for rule in kinds if rule.get("status", 200) == 200]
    dozen.faults([{**rule, "per_path_times": 1} for rule in kinds])
    settings = source(dozen.url, attempts=len(kinds) + 1)
    fetched = fetch_all(settings, wanted(settings, *(f"pokemon/{id_}" for id_ in NUMBERS)))
    assert outcome(fetched) == {**NOTHING, "received": list(NUMBERS)}
    assert fetched.requests == dozen.counters()["requests"] == len(NUMBERS) * (len(kinds) + 1)


FAULTS = st.sampled_from([rule for rule, _ in SPOILT]).flatmap(
    lambda rule: st.fixed_dictionaries(
        {"share": st.sampled_from([0.2, 0.5, 1]), "per_path_times": st.sampled_from([1, 2, None])}
    ).map(lambda bounds: {**rule, **bounds})
)

ASKED = st.fixed_dictionaries({}, optional={id_: st.tuples(st.booleans(), st.booleans()) for id_ in range(1, 16)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(FAULTS, max_size=4), asked=ASKED)
def test_every_document_ends_in_exactly_one_place(
    sent: dict[int, httpx.Response],
    dozen: Running,
    faults: list[dict[str, Any]],
    asked: dict[int, tuple[bool, bool]],
):
    """And none with a body that is not its own, whatever the source does."""
    polite = source(dozen.url, attempts=2, max_document_bytes=10_000)
    items = [
        item
        for id_, (is_known, is_listed) in asked.items()
        for item in wanted(
            polite,
            f"pokemon/{id_}",
            etag=sent[id_].headers["etag"] if is_known and id_ in sent else None,
            is_listed=is_listed,
        )
    ]
    dozen.reset()
    dozen.faults(faults)
    try:
        fetched = fetch_all(polite, items)
    finally:
        dozen.faults([])
    places = outcome(fetched)
    assert sorted(id_ for place in places.values() for id_ in place) == sorted(asked)
    assert all(item.body == sent[item.id].content for item in fetched.received)
    assert all(asked[id_][0] for id_ in places["unchanged"])
    assert not any(asked[id_][1] for id_ in places["gone"])
    assert fetched.requests == dozen.counters()["requests"]


def test_the_versions_of_the_answers_are_counted():
    versions = iter(["old", "new", "new", None])

    def answer(request: httpx.Request) -> httpx.Response:
        version = next(versions)
        id_ = int(request.url.path.rstrip("/").rpartition("/")[2])
        headers = {"X-PokeAPI-Hash": version} if version else {}
        return httpx.Response(304 if id_ == 25 else 200, headers=headers, json={"id": id_})

    settings = source(connections=1)
    items = wanted(settings, "pokemon/25", etag='W/"1"') + wanted(settings, "pokemon/26", "pokemon/27", "pokemon/28")
    fetched = fetch_all(settings, items, httpx.MockTransport(answer))
    assert (fetched.versions, outcome(fetched)["unchanged"]) == (Counter(old=1, new=2), [25])


def test_the_body_of_a_refused_answer_is_closed():
    body = Pieces(b"a" * 1000 for _ in range(100))
    settings = source(max_document_bytes=10_000)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=JSON, stream=body))
    fetched = fetch_all(settings, wanted(settings, "pokemon/25"), transport)
    assert (outcome(fetched)["failed"], body.taken, body.is_closed) == ([25], 11, True)
