"""``pokelake up``: a whole installation on one machine, whose deployments run by fast schedules until Ctrl-C.

All is as on ECS: the code lies in S3, a worker takes the runs, and each run pulls its code into an empty folder.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.local.profile import profiles_path, written_profile
from flows.local.stack import IN_FOLDER, Process, Stack, last_words, local_stack
from lake.errors import LakeError

BUCKET, PREFIX, POOL = "pokelake-up", "lake", "pokelake"

PROFILE = "pokelake-up"

# How often a deployment runs, and when for the first time, so that the two do not fall due together. A run takes eight
# seconds of a core.
EVERY = {
    "discover": (timedelta(minutes=1), timedelta(seconds=60)),
    "refresh": (timedelta(minutes=2), timedelta(seconds=90)),
}

# The deployments lie in the root of the checkout.
CHECKOUT = Path(__file__).resolve().parents[2]

# The commands of this installation.
BIN = Path(sys.executable).parent

WORKER = "worker"


def run(corpus: str, folder: Path | None) -> None:
    """Start everything, say where to look, tell of each run as it ends, and stop everything at Ctrl-C."""
    if not (CHECKOUT / "prefect.yaml").is_file():
        raise LakeError(f"{CHECKOUT}: expected prefect.yaml, which says what is deployed; use `make up` in a checkout")
    profiles, folder = profiles_path(), folder and _empty(folder)
    # A signal that ends this must end the processes that it started as well.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # A process that a shell starts in the background ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # These are for another installation.
    for name in [name for name in os.environ if name.startswith("POKELAKE_")]:
        del os.environ[name]
    _say("Pokélake: starting S3 (moto), a PokeAPI replica and a Prefect server …")
    with ExitStack() as parts:
        stack = parts.enter_context(local_stack(corpus, lambda line: _say(f"  {line}"), IN_FOLDER, folder))
        os.environ.update(stack.environment)
        _deploy(stack)
        _say("  the deployments of prefect.yaml are deployed, their code lies in S3")
        worker = _work(stack)
        api = {"PREFECT_API_URL": f"{stack.prefect}/api", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"}
        profile = parts.enter_context(written_profile(profiles, PROFILE, api))
        _say(_addresses(stack, folder is not None, profile))
        try:
            _watch(worker, stack.folder)
        except KeyboardInterrupt:
            # Whoever presses it twice is in a hurry, but wants nothing to be left.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _say("\nStopping …")
    left = f"{folder} stays" if folder else "nothing is left behind"
    _say(f"Everything is stopped; {left}.")


def _empty(folder: Path) -> Path:
    """Return the folder, which is made if it is not there.

    Raises:
        LakeError: There is something in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise LakeError(f"--folder {folder}: expected an empty folder, because the bucket of an earlier time is gone")
    return folder.resolve()


def _deploy(stack: Stack) -> None:
    """Save what the flows look for, deploy `prefect.yaml`, and let its crawls run more often."""
    # Prefect reads its settings when it is imported, so it is imported after the stack's environment is set.
    from prefect_aws import AwsCredentials
    from prefect_aws.client_parameters import AwsClientParameters
    from pydantic import SecretStr

    from blocks.names import FIRST
    from flows.deploy.pool import Pool
    from flows.deploy.setup import setup
    from flows.steps.parameters import SourceChoice
    from lake.source import Source
    from lake.store import Store

    Store(BUCKET, PREFIX).create_bucket()
    # With the endpoint in the block, other shells need nothing but the profile.
    AwsCredentials(
        aws_access_key_id=stack.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SecretStr(stack.environment["AWS_SECRET_ACCESS_KEY"]),
        region_name=stack.environment["AWS_DEFAULT_REGION"],
        aws_client_parameters=AwsClientParameters(endpoint_url=stack.s3),
    ).save(FIRST.credentials)
    # Each discover asks for the listings.
    source = SourceChoice(base_url=stack.replica).over(Source(listing_ttl_seconds=0))
    setup(BUCKET, PREFIX, source, Pool(POOL, kind="process"))
    with (stack.folder / "deploy.log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
            cwd=CHECKOUT,
            env={**os.environ, "POKELAKE_WORK_POOL": POOL},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    if done.returncode:
        raise LakeError(f"the deployments of {CHECKOUT} could not be deployed: {last_words(stack.folder, 'deploy')}")
    _hasten()


def _hasten() -> None:
    """Give the crawls their fast schedules, and start a refresh at once."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.schedules import IntervalSchedule

    with get_client(sync_client=True) as client:
        for name, (interval, wait) in EVERY.items():
            deployment = client.read_deployment_by_name(f"{name}/{name}")
            for saved in deployment.schedules:
                fast = IntervalSchedule(interval=interval, anchor_date=datetime.now(UTC) + wait)
                client.update_deployment_schedule(deployment.id, saved.id, schedule=fast)
        client.create_flow_run_from_deployment(client.read_deployment_by_name("refresh/refresh").id)


def _work(stack: Stack) -> Process:
    """Start the worker; a run that it starts pulls its code into a temporary folder below that of the stack."""
    runs = stack.folder / "runs"
    runs.mkdir()
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    settings = {
        # The steps that pull the code take the first Python of the path, as in the image.
        "PATH": os.pathsep.join((str(BIN), os.environ.get("PATH", os.defpath))),
        "TMPDIR": str(runs),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }
    return stack.start(WORKER, command, settings)


def _addresses(stack: Stack, stays: bool, profile: str) -> str:
    return f"""
Running until Ctrl-C:
  Prefect UI       {stack.prefect}
  S3 endpoint      {stack.s3}  (s3://{BUCKET}/{PREFIX})
  PokeAPI replica  {stack.replica}
  data and logs    {stack.folder}  ({"it stays" if stays else "removed at the end"})

In another shell:
{_indented(commands(profile))}

Runs as they end, UTC; a refresh every 2 minutes, a discover every minute:"""


def commands(profile: str) -> str:
    """Return what to type in any other shell to look at the lake by the command of this installation."""
    return f"""\
export PATH={shlex.quote(str(BIN))}:$PATH
export PREFECT_PROFILE={profile}; unset PREFECT_API_URL
pokelake status
pokelake read pokemon --where 'generation == 1' --limit 5
prefect deployment run refresh/refresh --watch"""


def _watch(worker: Process, folder: Path) -> None:
    """Tell of each run as soon as it has ended, until Ctrl-C or until the worker ends."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import TERMINAL_STATES
    from prefect.client.schemas.sorting import FlowRunSort

    from flows.cli.known import message

    ended = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))))
    told = set()
    with get_client(sync_client=True) as client:
        names = {flow.id: flow.name for flow in client.read_flows()}
        while worker.poll() is None:
            runs = client.read_flow_runs(flow_run_filter=ended, sort=FlowRunSort.END_TIME_DESC, limit=20)
            for run in reversed([run for run in runs if run.id not in told]):
                told.add(run.id)
                said = message(run.state) if run.state else ""
                _say(_cut(f"  {run.end_time or '':%H:%M:%S}  {names.get(run.flow_id, ''):8}  {said}"))
            time.sleep(1)
    raise LakeError(f"the worker ended by itself: {last_words(folder, WORKER)}")


def _cut(line: str) -> str:
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(line)
    return line if len(line) <= room else f"{line[: room - 1]}…"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _say(text: str) -> None:
    print(text, flush=True)
