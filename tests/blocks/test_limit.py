"""The allowance of a crawl: how it waits for its share of a pace, and for an API that is silent."""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace

import httpx
import pytest

import blocks.limit
from blocks.limit import PATIENCE_SECONDS, Allowance, limit_values
from lake.errors import LakeError, SourceError


class Api:
    """Stands for Prefect's client and for time: a limit of ten requests a second, and an API that may be silent."""

    def __init__(self) -> None:
        self.now, self.updated = 1000.0, 0.0
        self.values = {**limit_values(10), "active_slots": 0}
        self.trouble: Callable[[], Exception | None] = lambda: None
        self.paid: list[int] = []
        self.open = True

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *ended: object) -> None:
        pass

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def require_open(self) -> None:
        if not self.open:
            raise SourceError("the fetcher was closed")

    def read_global_concurrency_limit_by_name(self, name: str) -> SimpleNamespace:
        if trouble := self.trouble():
            raise trouble
        back = math.floor((self.now - self.updated) * self.values["slot_decay_per_second"])
        return SimpleNamespace(**{**self.values, "active_slots": max(0, self.values["active_slots"] - back)})

    def increment_concurrency_slots(self, names: list[str], slots: int, mode: str) -> None:
        taken = self.read_global_concurrency_limit_by_name(names[0]).active_slots + slots
        assert (mode, taken <= self.values["limit"]) == ("rate_limit", True)
        self.values["active_slots"], self.updated = taken, self.now
        self.paid.append(slots)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    found = Api()
    monkeypatch.setattr(blocks.limit, "get_client", lambda *settings, **kind: found)
    # They are those of a client, and new settings of Prefect's take longer than a test.
    monkeypatch.setattr(blocks.limit, "temporary_settings", lambda settings: nullcontext())
    monkeypatch.setattr(blocks.limit, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep))
    return found


@pytest.fixture
def allowance(api: Api) -> Iterator[Allowance]:
    with Allowance("pokeapi", api.require_open) as opened:
        yield opened


def refusal(status: int) -> Exception:
    request = httpx.Request("GET", "http://user:secret@prefect/api")
    return httpx.HTTPStatusError("refused", request=request, response=httpx.Response(status, request=request))


def test_it_gives_batches_at_the_pace_of_the_limit(api: Api, allowance: Allowance):
    granted = [allowance.take(128) for _ in range(12)]
    assert granted == [20] * 12
    assert allowance.is_in_force
    # Two batches lie ready at first.
    assert api.now - 1000 == pytest.approx((12 * 20 - 40) / 10, abs=0.5)


def test_two_processes_share_the_pace(api: Api, allowance: Allowance):
    with Allowance("pokeapi", api.require_open) as other:
        granted = sum(one.take(15) for _ in range(10) for one in (allowance, other))
    assert granted == 300
    assert (granted - 40) / (api.now - 1000) <= 10


def test_requests_beyond_those_allowed_are_paid_with_the_next_batches(api: Api, allowance: Allowance):
    allowance.take(1)
    allowance.owe(55)
    assert [allowance.take(20) for _ in range(3)] == [20, 20, 20]
    assert api.paid == [1, 40, 40, 35]


def test_requests_that_were_allowed_and_not_made_are_used_later(api: Api, allowance: Allowance):
    allowance.take(20)
    allowance.owe(-30)
    assert [allowance.take(20) for _ in range(3)] == [20, 20, 20]
    assert api.paid == [20, 10, 20]


def test_a_limit_that_is_switched_off_or_not_named_gives_all(api: Api, allowance: Allowance):
    api.values["active"] = False
    assert allowance.take(128) == 128
    with Allowance("", api.require_open) as unnamed:
        assert unnamed.take(128) == 128
    assert api.paid == []
    assert not allowance.is_in_force
    assert not unnamed.is_in_force


@pytest.mark.parametrize("status", [None, 500])
@pytest.mark.parametrize("seconds", [8, 60, 600])
def test_a_crawl_goes_on_by_itself_after_an_outage(api: Api, allowance: Allowance, status: int | None, seconds: int):
    error = httpx.ConnectError("refused") if status is None else refusal(status)
    back = api.now + seconds
    api.trouble = lambda: error if api.now < back else None
    assert allowance.take(128) == 20
    assert api.now - back <= blocks.limit.CHECK_SECONDS
    api.trouble = lambda: error if api.now < back + PATIENCE_SECONDS else None
    assert allowance.take(128) == 20


def test_an_outage_without_an_end_ends_the_crawl_in_a_paragraph(api: Api, allowance: Allowance):
    api.trouble = lambda: httpx.ReadTimeout("timed out")
    with pytest.raises(LakeError, match=r"has not answered for 15 minutes \(ReadTimeout\).*`pokelake doctor`, and run"):
        allowance.take(128)
    assert api.now - 1000 == pytest.approx(PATIENCE_SECONDS, abs=blocks.limit.CHECK_SECONDS)
    # The other shards of the crawl do not wait as long again.
    before = api.now
    with pytest.raises(LakeError):
        allowance.take(128)
    assert api.now == before


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_crawl_at_once_and_names_no_password(api: Api, allowance: Allowance, status: int):
    api.trouble = lambda: refusal(status)
    with pytest.raises(LakeError, match=f"refuses to pace the crawl .status {status}.") as caught:
        allowance.take(128)
    assert api.now == 1000
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_wait_ends_within_seconds_when_its_crawl_does(
    api: Api, allowance: Allowance, monkeypatch: pytest.MonkeyPatch, is_silent: bool
):
    api.values |= {"active_slots": 40, "slot_decay_per_second": 0.001}
    api.updated = api.now
    api.trouble = lambda: httpx.ConnectError("refused") if is_silent else None

    def sleep(seconds: float) -> None:
        api.sleep(seconds)
        api.open = api.now < 1010

    monkeypatch.setattr(blocks.limit.time, "sleep", sleep)
    with pytest.raises(SourceError, match="closed"):
        allowance.take(128)
    assert api.now - 1010 <= blocks.limit.CHECK_SECONDS


def test_a_limit_whose_slots_never_come_back_is_refused(api: Api, allowance: Allowance):
    api.values["slot_decay_per_second"] = 0.0
    with pytest.raises(LakeError, match="which a dead run keeps for ever; run `pokelake setup`, which replaces it"):
        allowance.take(128)
