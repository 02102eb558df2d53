"""A run as those see it who watch it: its name, tags, log, numbers and artifacts."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import Artifact, FlowRun, State
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Cancelled, Crashed, Running

from flows.cli import main
from flows.local.replica import demo_documents
from flows.refresh import refresh
from flows.steps.events import DOCUMENTS_PROGRESS, RUN_MEASURED
from lake.errors import SourceError
from tests.flows.chain import Chain, chain
from tests.flows.lakeside import error_of, events
from tests.lake.assemble.lakeside import changed, copied, only, versioned

SINCE = datetime.now(UTC)
BUCKET, PLACE, KEY = "watched", "watched/pokelake", "watched-pokelake"

FIRST = only(demo_documents(), "pokemon")
# Thirteen Pokémon are new: twelve have a sprite, and one has an address that no browser can be sent to.
SPRITE = "https://sprites.test/{}.png"
LATER = FIRST
for number in range(1, 13):
    sprites = {"front_default": SPRITE.format(number)}
    LATER = copied(LATER, "pokemon/132", 1_000_200 + number, name=f"new-{number}", sprites=sprites)
LATER = copied(LATER, "pokemon/132", 1_000_213, name="odd-*one*", sprites={"front_default": "javascript:alert(1)"})


@dataclass
class Watched:
    """Three runs of one lake, what each logged, and what Prefect has of it."""

    told: Chain
    logs: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, FlowRun] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Artifact]] = field(default_factory=dict)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def watched(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Watched]:
    run_log = logging.getLogger("prefect")
    with (
        chain(s3_endpoint, BUCKET, versioned(FIRST)) as one,
        get_client(sync_client=True) as client,
        pytest.MonkeyPatch.context() as patch,
    ):
        found = Watched(one)
        patch.setattr(run_log, "level", logging.INFO)
        run_log.manager._clear_cache()  # type: ignore[attr-defined]
        steps = (("first", None, ()), ("later", LATER, ()), ("failed", changed(LATER, "pokemon/25", height=1), (503,)))
        for name, documents, statuses in steps:
            lines = _Lines()
            run_log.addHandler(lines)
            one.running.faults([{"kind": "status", "status": status, "path": "^$"} for status in statuses])
            with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 30}):
                state = one.refresh(documents, resources=("pokemon",))
            run_log.removeHandler(lines)
            found.logs[name] = lines.lines
            found.runs[name] = newest_run(client)
            found.artifacts[name] = artifacts(client, found.runs[name])
            if statuses:
                one.running.faults([])
                error_of(state, SourceError)
        APILogWorker.drain_all(timeout=10)
        yield found
    run_log.manager._clear_cache()  # type: ignore[attr-defined]


def newest_run(client: SyncPrefectClient) -> FlowRun:
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"lake:{PLACE}"]))
    return client.read_flow_runs(flow_run_filter=tagged, sort=FlowRunSort.START_TIME_DESC, limit=1)[0]


def artifacts(client: SyncPrefectClient, run: FlowRun) -> dict[str, Artifact]:
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return {str(artifact.key).removeprefix("pokelake-").removesuffix(f"-{KEY}"): artifact for artifact in found}


def table(artifact: Artifact) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(str(artifact.data))
    return rows


def test_names_and_tags_tell_flow_lake_minute_and_outcome(watched: Watched):
    run = watched.runs["later"]
    assert run.expected_start_time is not None
    assert run.name == f"refresh {PLACE} {run.expected_start_time:%Y-%m-%d %H:%M}"
    assert set(run.tags) == {f"lake:{PLACE}", "outcome:published"}
    assert set(watched.runs["failed"].tags) == {f"lake:{PLACE}", "outcome:may-go-well"}


def test_a_run_sends_heartbeats(watched: Watched):
    about = f"prefect.flow-run.{watched.runs['later'].id}"
    assert len(events("prefect.flow-run.heartbeat", about, SINCE, 1)) == 1


def test_the_log_tells_each_phase_and_what_came_of_each_resource(watched: Watched):
    said = watched.logs["later"]
    phases = ("asking the source", "proving ", "reading 1 listing", "crawling ", "building tables", "publishing ")
    places = [next(place for place, line in enumerate(said) if line.startswith(phase)) for phase in phases]
    assert places == sorted(places)
    [line] = [line for line in said if line.startswith("crawl: pokemon ")]
    count = sum(path.startswith("pokemon/") and path.count("/") == 1 for path in LATER)
    assert line.startswith(f"crawl: pokemon {count} of {count} documents, 13 sent, 0 failed, ")
    assert [line for line in said if " to S3 (" in line]
    assert "Finished in state Completed()" not in said


def test_an_error_of_ours_is_a_paragraph_in_the_log_and_in_the_state(watched: Watched):
    said = watched.logs["failed"]
    message = str(watched.runs["failed"].state.message)  # type: ignore[union-attr]
    assert "status 503" in message
    assert not [line for line in said if "Traceback" in line or len(line) > 2_000]
    # The task says it, and so does the run.
    assert len([line for line in said if "status 503" in line and "retry" not in line.lower()]) == 2


def test_the_numbers_of_a_run_are_in_an_artifact_whose_key_stays_and_in_an_event(watched: Watched):
    numbers = {row["what"]: row["value"] for row in table(watched.artifacts["later"]["run-refresh"])}
    assert (numbers["flow"], numbers["lake"], numbers["outcome"]) == ("refresh", PLACE, "published")
    assert (numbers["sent"], numbers["documents"] > 13) == (13, True)
    assert numbers["requests"] > numbers["documents"]
    assert numbers["s3_requests"] >= numbers["s3_PutObject"] + numbers["s3_GetObject"] > 0
    assert numbers["seconds"] >= numbers["seconds_crawl"] > 0
    assert numbers["bytes"] > 0
    failed = {row["what"]: row["value"] for row in table(watched.artifacts["failed"]["run-refresh"])}
    assert failed["outcome"] == "failed"
    said = events(RUN_MEASURED, f"pokelake.lake.s3://{PLACE}/", SINCE, 3)
    assert [one["outcome"] for one in said] == ["published", "published", "failed"]
    assert said[1]["documents"] == numbers["documents"]


def test_the_progress_of_a_crawl_is_an_artifact_that_ends_at_all_of_it(watched: Watched):
    progress = watched.artifacts["first"]["crawl"]
    assert float(str(progress.data)) == 100
    assert "documents, " in str(progress.description)
    assert str(progress.description).endswith(" a second")
    [event] = events(DOCUMENTS_PROGRESS, f"prefect.flow-run.{watched.runs['first'].id}", SINCE, 1)
    assert (event["done"], event.keys()) == (event["total"], {"done", "total", "rate"})


def test_what_changed_and_what_was_found_are_tables(watched: Watched):
    rows = {(row["what"], row["of"]): row for row in table(watched.artifacts["later"]["changes"])}
    documents = rows["documents", "pokemon"]
    assert (documents["after"] - documents["before"], documents["added"], documents["deleted"]) == (13, 13, 0)
    assert rows["rows", "pokemon"]["added"] == 13
    assert ("rows", "types") not in rows
    found = watched.told.commit().audits
    assert len(table(watched.artifacts["later"]["findings"])) == len(found)


def test_the_snapshot_is_linked_and_each_new_pokemon_shown(watched: Watched):
    shown_now = watched.artifacts["later"]
    snapshot = watched.told.commit().snapshot
    assert f"/{BUCKET}/pokelake/snapshots/{snapshot}/)" in str(shown_now["snapshot"].data)
    sprites = {key: str(artifact.data) for key, artifact in shown_now.items() if key.startswith("sprite-")}
    assert sprites == {f"sprite-{1_000_200 + number}": SPRITE.format(number) for number in range(1, 13)}
    [named] = [artifact.description for artifact in shown_now.values() if "new as well" in str(artifact.description)]
    assert str(named).endswith("; new as well: odd-\\*one\\*")


def test_the_last_runs_of_a_lake_are_listed_the_newest_first(watched: Watched, capsys: pytest.CaptureFixture[str]):
    """Also one that was killed, and one that died before its flow began, so that it has no tag and a random name."""
    killed, never_begun, other = (
        end(tags, {"bucket": bucket, "prefix": "pokelake"}, state)
        for tags, bucket, state in (
            ([f"lake:{PLACE}"], BUCKET, Crashed(message="exited with status code 137")),
            ([], BUCKET, Cancelled(message="cancelled by an automation")),
            ([], "another", Crashed(message="exited with status code 1")),
        )
    )
    command = ["runs", "--bucket", BUCKET, "--prefix", "pokelake"]
    with pytest.raises(SystemExit):
        main([*command, "--json"])
    said = {run["id"]: run for run in json.loads(capsys.readouterr().out)}
    assert [run["start"] for run in said.values()] == sorted((run["start"] for run in said.values()), reverse=True)
    told = {name: said[str(run.id)] for name, run in watched.runs.items()}
    assert {name: (run["flow"], run["outcome"]) for name, run in told.items()} == {
        "first": ("refresh", "published"),
        "later": ("refresh", "published"),
        "failed": ("refresh", "failed"),
    }
    assert told["later"]["name"] == watched.runs["later"].name
    assert told["later"]["snapshot"] == watched.told.commit().snapshot
    assert told["later"]["documents"] > 13
    assert (told["failed"]["snapshot"], told["failed"]["why"][:7]) == (None, "http://")
    assert other not in said
    for run, outcome, why in (
        (killed, "crashed", "exited with status code 137"),
        (never_begun, "cancelled", "cancelled by an automation"),
    ):
        found = said[run]
        assert (found["outcome"], found["why"], found["documents"], found["seconds"]) == (outcome, why, None, None)
    with pytest.raises(SystemExit):
        main([*command, "--limit", "5"])
    heads, _, *lines = capsys.readouterr().out.splitlines()
    assert heads.split() == ["start", "flow", "outcome", "documents", "requests", "S3", "seconds", "MB"]
    assert [line for line in lines if line.endswith("  refresh  crashed    exited with status code 137")]
    assert max(map(len, (heads, lines[-1]))) <= 80


def end(tags: list[str], lake: dict[str, str], state: State[Any]) -> str:
    """Let a run of `refresh` end in a state, as somebody else says it; return its id."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(refresh, parameters={"lake": lake}, tags=tags, state=Running())
        client.set_flow_run_state(run.id, state)
    return str(run.id)
