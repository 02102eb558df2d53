"""Planning: what a refresh would do is said beforehand, and nothing is done."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from prefect import tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

import lake.assemble.draft
from flows.cli import main
from flows.cli.plan import Plan, plan
from flows.local.replica import Running, demo_documents
from flows.steps.parameters import SourceChoice
from lake.assemble.work import Work
from lake.crawl import Source
from lake.errors import UnknownNameError
from lake.store import Store
from lake.tables import Catalog
from tests.flows.chain import Chain, chain
from tests.flows.conftest import LOCATION
from tests.flows.lakeside import release
from tests.lake import keys
from tests.lake.assemble.lakeside import Documents, Lakeside, changed, copied, hashes, only, versioned, without
from tests.waiting import until

FEW = ("item", "pokemon", "type")
DOCUMENTS = only(demo_documents(), *FEW)
FIRST_ITEM, SECOND_ITEM = sorted(path for path in DOCUMENTS if path.startswith("item/"))[:2]

# One item costs more, one is gone, and there is a new Pokémon.
LATER = copied(
    without(changed(DOCUMENTS, FIRST_ITEM, cost=12_345), SECOND_ITEM), "pokemon/132", 1_000_132, name="other-ditto"
)


@dataclass
class Story:
    """A lake whose refreshes are planned: of each the plan, and the tables that it built."""

    lake: Chain
    plans: dict[str, Plan] = field(default_factory=dict)
    built: dict[str, set[str]] = field(default_factory=dict)

    def requests(self, name: str) -> int:
        return int(self.lake[name].counters["requests"])


@pytest.fixture(scope="module")
def story(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Story]:
    with chain(s3_endpoint, "planned", versioned(DOCUMENTS)) as one, pytest.MonkeyPatch.context() as patch:
        told, cut, done = Story(one), lake.assemble.draft.cut_groups, set[str]()

        def noted(catalog: Catalog, resources: Any, work: Work) -> Any:
            done.update(work.tables)
            return cut(catalog, resources, work)

        patch.setattr(lake.assemble.draft, "cut_groups", noted)

        def step(name: str, documents: Documents | None = None, faults: Sequence[Any] = ()) -> None:
            if documents is not None:
                release(one.running, documents)
            one.running.faults(list(faults))
            told.plans[name] = plan(one.location, one.choice(resources=FEW))
            done.clear()
            one.tell(name, one.refresh, resources=FEW, faults=faults)
            told.built[name] = set(done)

        step("first")
        step("known")
        step("later", LATER)
        refused = [{"kind": "status", "status": 403, "path": "^item$"}]
        step("refused", changed(LATER, "type/1", name="other"), refused)
        nameless = without(changed(LATER, "type/1", name="nameless"), "meta")
        step("nameless", nameless)
        yield told


def test_a_refresh_makes_the_requests_that_were_planned(story: Story):
    """The root and the version, three listings, and all documents: those that are listed or at hand."""
    planned = {name: found.requests for name, found in story.plans.items()}
    assert planned == {name: story.requests(name) for name in planned}
    assert planned == {
        "first": 2 + 3 + 41,
        "known": 2,
        "later": 2 + 3 + 42,
        "refused": 2 + 3 + 22,
        "nameless": 1 + 3 + 41,
    }


def test_a_refresh_builds_the_tables_that_were_planned(story: Story):
    for name in ("later", "refused", "nameless"):
        found = story.plans[name]
        assert set(found.sure_tables) <= story.built[name] <= {*found.sure_tables, *found.possible_tables}, name
        assert story.built[name], name


def test_a_first_refresh_builds_all_tables(story: Story):
    planned = story.plans["first"]
    assert (planned.known_version, planned.bytes_written, planned.is_known) == (None, None, False)
    assert {item.resource: item.new for item in planned.resources} == {"item": 20, "pokemon": 3, "type": 18}
    assert set(planned.sure_tables) == story.built["first"]
    assert planned.possible_tables == ()
    assert planned.lines()[0].endswith(", nothing was published yet")
    assert f"tables built for sure: all {planned.table_count} tables" in planned.lines()


def test_a_known_version_is_planned_as_two_requests(story: Story):
    planned = story.plans["known"]
    assert (planned.is_known, planned.requests, planned.sure_tables, planned.possible_tables) == (True, 2, (), ())
    [line] = planned.lines()
    assert line == f"upstream is still at {planned.version}: a refresh would make 2 requests, and end"


def test_of_another_version_what_is_new_or_gone_is_counted(story: Story):
    planned, before, after = story.plans["later"], story.lake["known"].commit, story.lake["later"].commit
    counted = {item.resource: (item.listed, item.new, item.vanished) for item in planned.resources}
    assert counted == {"item": (19, 0, 1), "pokemon": (4, 1, 0), "type": (18, 0, 0)}
    assert (planned.known_version, planned.bytes_written) == (
        before.source.version,
        sum(table.bytes for table in before.tables.values()),
    )
    old, new = hashes(before), hashes(after)
    altered = {name.split("/")[0] for name in new if old.get(name) != new[name]} - {"documents", "document_index"}
    assert altered <= {*planned.sure_tables, *planned.possible_tables}
    assert {"pokemon", "pokemon_types"} <= set(planned.sure_tables)
    assert {"items", "types"} <= set(planned.possible_tables)
    assert "natures" not in {*planned.sure_tables, *planned.possible_tables}


def test_a_refused_listing_is_named_and_its_documents_are_not_counted(story: Story):
    planned = story.plans["refused"]
    [item, _, _] = planned.resources
    assert (item.resource, item.listed, item.vanished, item.requests) == ("item", 0, 0, 0)
    assert "403" in str(item.refusal)
    assert planned.lines()[-1].startswith("item: its listing is refused")


def test_where_everything_is_at_hand_no_table_is_sure(story: Story):
    planned = story.plans["nameless"]
    assert planned.sure_tables == ()
    assert "types" in planned.possible_tables
    known = story.lake["refused"].commit.source.version
    assert planned.lines()[0] == f"upstream gives no version of itself, the lake at {known}"


def test_a_lake_of_several_versions_is_at_none(store: Store, running: Running, documents: Documents):
    Lakeside(store, Source(running.url)).fill(without(documents, "meta"), "type")
    planned = plan(LOCATION, SourceChoice(base_url=running.url, resources=("type",)))
    assert planned.lines()[0] == f"upstream is at {planned.version}, the lake is at no single version"


@task(cache_policy=NO_CACHE, persist_result=False, task_run_name="mark")
def mark() -> None:
    """Do nothing, for the record of it."""


def recorded(tag: str) -> set[str]:
    """Return the names of all flows and tasks that have run under a tag, one task at the end included.

    Task runs reach the server through a queue, so those of before are there when that one is.
    """
    with tags(tag):
        mark()
    with get_client(sync_client=True) as client:

        def names() -> set[str]:
            found = set()
            for kind in ("flow_runs", "task_runs"):
                wanted = {kind: {"tags": {"all_": [tag]}}}
                found |= {run["name"] for run in client.request("POST", f"/{kind}/filter", json=wanted).json()}
            return found

        return until(names, every=0.1, enough=lambda found: "mark" in found)


def test_it_writes_nothing_and_records_no_run(prefect_server: dict[str, str], store: Store, running: Running):
    # Runs of other tests are on the same server.
    tag = f"plan-{uuid4()}"
    with tags(tag):
        plan(LOCATION, SourceChoice(base_url=running.url, resources=FEW))
    assert keys(store) == set()
    assert recorded(tag) == {"mark"}


def test_the_rate_that_is_allowed_says_how_long_it_takes(store: Store, running: Running):
    planned = plan(LOCATION, SourceChoice(base_url=running.url, resources=("type",), requests_per_second=100))
    assert planned.requests == 21
    assert planned.seconds == pytest.approx(0.21)


def test_an_unknown_resource_is_answered_with_the_nearest_ones(store: Store, running: Running):
    with pytest.raises(UnknownNameError, match="Did you mean pokemon or"):
        plan(LOCATION, SourceChoice(base_url=running.url, resources=("pokemons",)))


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
