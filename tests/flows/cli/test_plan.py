"""Planning: what a refresh would do is said beforehand, and nothing is done."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

import lake.assemble.draft
from flows.cli import main
from flows.cli.plan import Plan, plan
from flows.local.replica import Running
from flows.steps.parameters import SourceChoice
from lake.assemble.work import Work
from lake.commit import Commit
from lake.errors import UnknownNameError
from lake.store import Store
from lake.tables import Catalog
from tests.flows.conftest import LOCATION, Fill, Refresh
from tests.flows.lakeside import current, release
from tests.lake import keys
from tests.lake.assemble.lakeside import changed, without
from tests.waiting import until

Documents = dict[str, bytes]
Make = Callable[..., Plan]

FEW = ("item", "pokemon", "type")


@pytest.fixture
def make(prefect_server: dict[str, str], store: Store, running: Running) -> Make:
    """Return a function that plans a refresh of a few resources, or of others."""

    def make(resources: tuple[str, ...] = FEW) -> Plan:
        return plan(LOCATION, SourceChoice(base_url=running.url, resources=resources))

    return make


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """Return what refreshes build, refresh by refresh."""
    done: list[Work] = []
    cut = lake.assemble.draft.cut_groups

    def noted(catalog: Catalog, resources: Any, work: Work) -> Any:
        done.append(work)
        return cut(catalog, resources, work)

    monkeypatch.setattr(lake.assemble.draft, "cut_groups", noted)
    return done


@task(cache_policy=NO_CACHE, persist_result=False, task_run_name="mark")
def mark() -> None:
    """Do nothing, for the record of it."""


def recorded(since: datetime) -> set[str]:
    """Return the names of all flows and tasks that have run since then, one task at the end included.

    Task runs reach the server through a queue, so those of before are there when that one is.
    """
    mark()
    with get_client(sync_client=True) as client:

        def names() -> set[str]:
            found = set()
            for kind in ("flow_runs", "task_runs"):
                wanted = {kind: {"start_time": {"after_": since.isoformat()}}}
                found |= {run["name"] for run in client.request("POST", f"/{kind}/filter", json=wanted).json()}
            return found

        return until(names, every=0.1, enough=lambda found: "mark" in found)


def altered(before: Commit, after: Commit) -> set[str]:
    """Return the tables, documents apart, that have another file than before."""
    return {
        name
        for name, table in after.tables.items()
        if name != "documents" and {f.sha256 for f in table.files} != {f.sha256 for f in before.tables[name].files}
    }


def test_a_first_refresh_makes_the_requests_and_builds_the_tables_that_were_planned(
    make: Make, run_refresh: Refresh, running: Running, works: list[Work]
):
    planned = make()
    assert (planned.known_version, planned.bytes_written) == (None, None)
    assert {item.resource: item.new for item in planned.resources} == {"item": 20, "pokemon": 70, "type": 18}
    running.reset()
    run_refresh(resources=FEW)
    assert running.counters()["requests"] == planned.requests == 2 + 3 + 108
    assert set(planned.sure_tables) == works[0].tables
    assert planned.possible_tables == ()
    assert planned.lines()[0].endswith(", nothing was published yet")
    assert f"tables built for sure: all {planned.table_count} tables" in planned.lines()


def test_a_known_version_is_planned_as_two_requests(make: Make, fill: Fill, run_refresh: Refresh, running: Running):
    fill(*FEW)
    planned = make()
    assert (planned.is_known, planned.requests, planned.sure_tables, planned.possible_tables) == (True, 2, (), ())
    [line] = planned.lines()
    assert line == f"upstream is still at {planned.version}: a refresh would make 2 requests, and end"
    running.reset()
    run_refresh(resources=FEW)
    assert running.counters()["requests"] == 2


def test_a_refresh_of_another_version_does_what_was_planned(
    make: Make,
    fill: Fill,
    run_refresh: Refresh,
    store: Store,
    running: Running,
    documents: Documents,
    works: list[Work],
):
    fill(*FEW)
    before = current(store)
    items = sorted(path for path in documents if path.startswith("item/"))
    ditto = {**json.loads(documents["pokemon/132"]), "id": 1_000_132, "name": "other-ditto"}
    later = {**changed(documents, items[0], cost=12_345), "pokemon/1000132": json.dumps(ditto).encode()}
    release(running, {path: body for path, body in later.items() if path != items[1]})
    planned = make()
    counted = {item.resource: (item.listed, item.new, item.vanished) for item in planned.resources}
    assert counted == {"item": (19, 0, 1), "pokemon": (71, 1, 0), "type": (18, 0, 0)}
    assert (planned.known_version, planned.bytes_written) == (
        before.source.version,
        sum(table.bytes for table in before.tables.values()),
    )
    running.reset()
    assert run_refresh(resources=FEW).name == "Completed"
    assert running.counters()["requests"] == planned.requests == 2 + 3 + 109
    assert set(planned.sure_tables) <= works[-1].tables <= {*planned.sure_tables, *planned.possible_tables}
    assert altered(before, current(store)) <= {*planned.sure_tables, *planned.possible_tables}
    assert {"pokemon", "pokemon_types"} <= set(planned.sure_tables)
    assert {"items", "types"} <= set(planned.possible_tables)
    assert "natures" not in {*planned.sure_tables, *planned.possible_tables}


def test_where_everything_is_at_hand_no_table_is_sure(
    make: Make, run_refresh: Refresh, running: Running, documents: Documents
):
    release(running, without(documents, "meta"))
    run_refresh(resources=("type",))
    planned = make(("type",))
    assert planned.sure_tables == ()
    assert "types" in planned.possible_tables
    assert planned.lines()[0] == "upstream gives no version of itself, the lake is at no single version"
    running.reset()
    run_refresh(resources=("type",))
    assert running.counters()["requests"] == planned.requests


def test_a_refused_listing_is_named_and_its_documents_are_not_counted(
    make: Make, run_refresh: Refresh, running: Running, documents: Documents
):
    run_refresh(resources=("item", "type"))
    release(running, changed(documents, "type/1", name="other"))
    running.faults([{"kind": "status", "status": 403, "path": "^item$"}])
    planned = make(("item", "type"))
    [item, _] = planned.resources
    assert (item.listed, item.vanished, item.requests) == (0, 0, 0)
    assert "403" in str(item.refusal)
    assert planned.lines()[-1].startswith("item: its listing is refused")
    running.reset()
    run_refresh(resources=("item", "type"))
    assert running.counters()["requests"] == planned.requests


def test_it_writes_nothing_and_records_no_run(make: Make, store: Store):
    since = datetime.now(UTC)
    make()
    assert keys(store) == set()
    assert recorded(since) == {"mark"}


def test_the_rate_that_is_allowed_says_how_long_it_takes(
    prefect_server: dict[str, str], store: Store, running: Running
):
    planned = plan(LOCATION, SourceChoice(base_url=running.url, resources=("type",), requests_per_second=100))
    assert planned.requests == 21
    assert planned.seconds == pytest.approx(0.21)


def test_an_unknown_resource_is_answered_with_those_that_exist(make: Make):
    with pytest.raises(UnknownNameError, match="pokemon-species"):
        make(("pokemons",))


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_prints_it(
    prefect_server: dict[str, str], store: Store, running: Running, capsys: pytest.CaptureFixture[str], as_json: bool
):
    where = ("--source", running.url, "--bucket", LOCATION.bucket, "--prefix", LOCATION.prefix, "--resources", "type")
    with pytest.raises(SystemExit, match="0"):
        main(["plan", *where, *(["--json"] if as_json else [])])
    printed = capsys.readouterr().out
    if as_json:
        assert json.loads(printed)["requests"] == 21
    else:
        assert "requests: 21\n" in printed
