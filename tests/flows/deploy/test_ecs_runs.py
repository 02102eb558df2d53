"""The whole path on ECS: a run falls due, a task starts, and its container pulls the code, crawls and publishes."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.states import Cancelling

from flows.cli import main
from flows.deploy.code import PACKAGES, collect
from flows.local.replica import Corpus, demo_documents
from lake.commit import head, read_commit
from lake.layout import report_key
from tests.flows.conftest import CORE, core_paths
from tests.flows.deploy.cloudformation import things
from tests.flows.deploy.conftest import REPOSITORY
from tests.flows.deploy.ecs import API_KEY, BUCKET, CLUSTER, MARK, Ecs, deployed_to_ecs
from tests.flows.deploy.fargate import OVERRIDES_BYTES, Container
from tests.flows.deploy.runbook import DAILY, FIRST, LAST, blocks, inline_commands
from tests.flows.deploy.whole import reached
from tests.flows.lakeside import asked, asked_twice, tasks
from tests.lake import keys, snapshots_of
from tests.lake.assemble.holding import fewer, full
from tests.lake.assemble.lakeside import versioned
from tests.waiting import until

PATHS = core_paths(demo_documents())

# Two tasks are staged by then; how far the next ones have come when the crawl is held, is up to the machine.
INTERRUPTED_AFTER = 130


@pytest.fixture(scope="module")
def ecs(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ecs]:
    with deployed_to_ecs(tmp_path_factory.mktemp("ecs"), migrated) as running:
        yield running
        take_down(running)


def take_down(ecs: Ecs) -> None:
    """Take everything down, which leaves the bucket alone; it is no test, because none could come after it."""
    before = ecs.deployed.objects(BUCKET)
    ecs.terminal.run(blocks(LAST)[0])
    assert ecs.deployed.deployments() == {}
    assert ecs.prefect.read_automations() == []
    assert things(ecs.connect) == {}
    assert ecs.deployed.objects(BUCKET) == before


@pytest.fixture(scope="module")
def first(ecs: Ecs) -> UUID:
    """Return the run that yesterday's schedule made; it has published the first snapshot, which is reported as well."""
    before = ecs.revisions()
    run = ecs.fall_due("refresh", days_ago=1)
    ecs.end(run)
    assert ecs.revisions() == before, "a run registers no task definition"
    commit = head(ecs.store())
    assert commit is not None, ecs.containers(run)[0].log
    ecs.end(until(lambda: ecs.runs("report", snapshot=commit.snapshot))[0])
    return run


def test_the_image_holds_no_code(ecs: Ecs, tmp_path: Path):
    """So what a container runs, it has pulled."""
    code = "import importlib.util as i, sys; print([name for name in sys.argv[1:] if i.find_spec(name)])"
    command = [ecs.fargate.commands / "python", "-c", code, "prefect_aws", *PACKAGES]
    said = subprocess.run(command, cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True)
    assert said.stdout == "['prefect_aws']\n"


def test_a_scheduled_run_pulls_its_code_and_publishes(ecs: Ecs, first: UUID):
    commit = read_commit(ecs.store(), 1)
    assert ecs.prefect.read_flow_run(first).auto_scheduled
    state = ecs.end(first)
    assert (state.name, state.message) == ("Completed", f"published {commit.snapshot}: {MARK}")
    version = collect(ecs.deployed.checkout).version
    assert commit.run["code_version"] == version != collect(REPOSITORY).version


def test_the_key_of_prefects_api_reaches_it_as_a_secret_alone(ecs: Ecs, first: UUID):
    [container] = ecs.containers(first)
    assert container.secrets == {"PREFECT_API_KEY": API_KEY}
    assert "PREFECT_API_KEY" not in container.environment


def test_what_it_published_is_reported_in_a_container_of_its_own(ecs: Ecs, first: UUID):
    commit = read_commit(ecs.store(), 1)
    [report] = ecs.runs("report", snapshot=commit.snapshot)
    key = report_key(commit.snapshot)
    assert ecs.end(report).message == f"reported {commit.snapshot}: {MARK}; its page is {ecs.store().uri(key)}"
    assert commit.snapshot in ecs.store().get(key).decode()
    assert len(ecs.containers(report)) == 1


def test_a_task_that_cannot_start_ends_its_run_and_registers_no_revision(ecs: Ecs):
    before = ecs.revisions()
    ecs.fargate.refusal = "CannotPullContainerError: pokelake:1: not found"
    runs = [ecs.start("report") for _ in range(3)]
    states = [ecs.end(run) for run in runs]
    ecs.fargate.refusal = None
    assert {state.name for state in states} == {"Crashed"}
    assert all("CannotPullContainerError: pokelake:1: not found" in state.message for state in states)
    assert ecs.revisions() == before


def test_the_overrides_of_every_task_are_a_quarter_of_what_run_task_takes(ecs: Ecs, first: UUID):
    sizes = [len(json.dumps(task["overrides"]).encode()) for task in ecs.stopped()]
    assert max(sizes) < OVERRIDES_BYTES / 4


def start(ecs: Ecs, prefix: str, resources: Sequence[str] = CORE) -> UUID:
    """Start a crawl, of the core resources, into a lake: one shard at a time over two connections."""
    crawl: dict[str, Any] = {"resources": resources, "connections": 2, "parallel_shards": 1}
    return ecs.start("refresh", lake={"bucket": BUCKET, "prefix": prefix}, source=crawl)


def crawling(ecs: Ecs, prefix: str) -> tuple[UUID, Container]:
    """Start a crawl, and hold it in the middle; return its run and container."""
    ecs.source.reset()
    ecs.source.faults([{"kind": "latency", "seconds": 0.02}])
    run = start(ecs, prefix)
    until(lambda: ecs.exited(run) or asked(ecs.source, PATHS).total() >= INTERRUPTED_AFTER, every=0.05)
    assert not ecs.exited(run), ecs.exited(run)[0].log
    ecs.source.faults([{"kind": "latency", "seconds": 60}])
    [container] = ecs.containers(run)
    return run, container


def test_a_container_that_was_killed_while_the_worker_was_gone_is_noticed(ecs: Ecs):
    """The queue has kept what ECS said meanwhile."""
    run, container = crawling(ecs, "killed")
    ecs.lose_worker()
    container.kill()
    ecs.source.faults([])
    assert ecs.states(run)[-1] == "Running"
    ecs.worker.start()
    state = ecs.end(run)
    assert state.name == "Crashed"
    assert "containers stopped with a non-zero exit code" in state.message
    assert head(ecs.store("killed")) is None


def test_a_run_that_takes_too_much_memory_says_so_and_what_to_do_next(ecs: Ecs):
    """The system kills the largest process of the container, and what Prefect has started it with says why."""
    run, container = crawling(ecs, "memory")
    container.look()
    [flow] = [pid for pid in container.pids if "prefect.engine" in container.command(pid)]
    os.kill(flow, signal.SIGKILL)
    ecs.source.faults([])
    state = ecs.end(run)
    assert state.name == "Crashed"
    assert "exceeding memory limits" in state.message
    until(lambda: not container.commands())
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    said = {item.key: str(item.data) for item in ecs.prefect.read_artifacts(artifact_filter=of_run)}
    assert "it starts again by itself after a while" in said[f"pokelake-ended-refresh-{BUCKET}-memory"]
    assert snapshots_of(keys(ecs.store("memory"))) == set()


def test_a_run_whose_code_cannot_be_pulled_says_why(ecs: Ecs):
    store, folder = ecs.store(), collect(ecs.deployed.checkout).folder
    code = {item.key: store.get(item.key) for item in store.list(folder)}
    store.delete(code)
    state = ecs.end(ecs.start("report"))
    for key, body in code.items():
        store.create(key, body)
    assert state.name == "Crashed"
    assert f"could not be pulled from {store.uri(folder)}: nothing is there. Deploy it again, in its" in state.message


def test_a_run_whose_task_is_stopped_goes_on_in_another_container(ecs: Ecs):
    """As Fargate Spot does when it needs the capacity: SIGTERM, and SIGKILL if that does not help."""
    run, container = crawling(ecs, "spot")
    ecs.client.stop_task(cluster=CLUSTER, task=container.task["taskArn"], reason="Your Spot Task was interrupted.")
    ecs.source.faults([])
    ecs.complete(run)
    assert container.process.returncode == 0
    assert len(ecs.containers(run)) == 2
    assert "AwaitingRetry" in ecs.states(run)
    assert set(asked(ecs.source, PATHS)) == PATHS
    # The task that was under way, and no other, is done again.
    assert any(asked_twice(ecs.source, PATHS) <= task for task in tasks(PATHS))


def test_a_cancelled_run_ends_with_its_task_and_publishes_nothing(ecs: Ecs):
    run, container = crawling(ecs, "cancelled")
    assert any("lake.crawl" in command for command in container.commands())
    ecs.prefect.set_flow_run_state(run, Cancelling())
    state = ecs.end(run)
    ecs.source.faults([])
    assert state.name == "Cancelled"
    until(lambda: not container.commands())
    until(lambda: container.task["taskArn"] in [task["taskArn"] for task in ecs.stopped()])
    assert snapshots_of(keys(ecs.store("cancelled"))) == set()
    assert head(ecs.store("cancelled")) is None


@pytest.fixture
def losing(ecs: Ecs) -> Iterator[None]:
    """Let the source lose most abilities, which a lake has."""
    full(ecs.store("held"))
    ecs.source.switch(Corpus.from_documents(versioned(fewer())))
    yield
    ecs.source.switch(Corpus.from_documents(demo_documents()))


def test_what_is_held_waits_without_a_container_and_goes_on_in_another_one(ecs: Ecs, losing: None):
    run = start(ecs, "held", resources=["ability"])
    until(lambda: ecs.states(run)[-1] == "Suspended")
    until(lambda: {item.task["lastStatus"] for item in ecs.containers(run)} == {"STOPPED"})
    approve = f"pokelake approve --bucket {BUCKET} --prefix held --all --by Oak --reason 'upstream removed them'"
    assert "told the run that waits to publish" in ecs.terminal.run(approve)
    ecs.complete(run)
    assert len(ecs.containers(run)) == 2
    assert "Crashed" not in ecs.states(run)
    assert str(ecs.end(run).message).endswith("; as decided by Oak (upstream removed them)")
    commit = head(ecs.store("held"))
    assert commit is not None
    assert commit.verdict is not None
    assert commit.verdict.by == "Oak"


def test_the_runbook_asks_docker_for_one_image(ecs: Ecs):
    """The one thing in it that cannot run without an engine."""
    assert [line.split()[0] for line in ecs.terminal.docker()] == ["login", "build", "push"]


def test_a_run_can_be_started_by_hand_and_watched_and_writes_nothing_where_nothing_changed(ecs: Ecs, first: UUID):
    before = ecs.deployed.objects(BUCKET)
    said = ecs.terminal.run(blocks(FIRST)[-1])
    assert ecs.deployed.objects(BUCKET) == before
    assert "finished successfully in 'Completed'" in said
    assert "pokemon_stats" in said


@pytest.fixture
def typed(
    ecs: Ecs, clients: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], str]]:
    """Return a function that runs a command, which must succeed; ours in this process, which has imported all."""
    monkeypatch.chdir(ecs.deployed.checkout)
    for name in ("POKELAKE_STACK", "POKELAKE_WORK_POOL", "POKELAKE_SOURCE", "POKELAKE_RESOURCES"):
        monkeypatch.setenv(name, *ecs.terminal.words(f"${name}"))

    def run(command: str) -> str:
        if not command.startswith("pokelake "):
            return ecs.terminal.run(command)
        with pytest.raises(SystemExit) as ended:
            main(ecs.terminal.words(command)[1:])
        said = "".join(capsys.readouterr())
        assert not ended.value.code, f"{command}\n{said}"
        return said

    with reached(ecs.deployed):
        yield run
        # Also after a command that failed: the runs of all other tests would end at once in a lake that is frozen.
        ecs.undo_the_day_to_day()
        run("pokelake setup --no-spot --requests-per-second 0")


def test_every_command_of_the_day_to_day_succeeds(ecs: Ecs, first: UUID, typed: Callable[[str], str]):
    """But for the doctor's, which says that the lake is frozen, and nothing else."""
    for command in inline_commands(DAILY):
        if command != "pokelake doctor":
            typed(command)
    said = ecs.terminal.run("pokelake doctor || true")
    failed = [line for line in said.splitlines() if line.startswith("failed")]
    assert failed == ["failed   variables: pokelake_frozen is true, so refresh, discover and maintain end at once"]
