"""``make aws``: deploys a stack and a bucket of its own, tries them, takes both down, and writes what it saw.

It needs an account: credentials of somebody who may make roles, the AWS CLI, Docker, and in ``PREFECT_API_URL`` (and
``PREFECT_API_KEY`` or ``PREFECT_API_AUTH_STRING``) a Prefect API that runs in AWS can reach, without deployments of
Pokélake. It names its price and asks before it starts.
"""

import argparse
import os
import secrets
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3
from prefect.client.orchestration import get_client
from prefect_aws import S3Bucket

from blocks.storage import load_block
from flows.cli.api import api_error, reach_prefect
from lake.bucket import LAKE_BLOCK
from lake.store import Store
from tests.aws.figures import PAGE, page
from tests.aws.price import CHEAPEST, DEAREST, Budget
from tests.aws.trial import Trial, install, kill_a_task, race, refresh_on_schedule, take_down, verify
from tests.flows.deploy.conftest import REPOSITORY
from tests.flows.deploy.runbook import FIRST, Terminal, blocks

# Few documents: the lake is small, and the source is asked for little.
SMALL = "generation,region,type"

# The runbook's names that a trial has others for.
BUCKET, USER_AGENT = "our-pokelake", "our-lake (data@example.org)"

# The runbook's blocks, in their order; the first one names stack, bucket and Prefect, which a trial does itself.
STEPS = ("the stack", "the image", "setup and deploy", "doctor", "the first run")

NEEDED = ("aws", "docker")


def main() -> int:
    """Run the trial; return 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="make aws", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dollars", type=float, default=2, help="what it may cost; default: 2")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    at = parser.parse_args()
    if lacking := [name for name in NEEDED if shutil.which(name) is None] + [
        name for name in ("PREFECT_API_URL", "AWS_DEFAULT_REGION") if not os.environ.get(name)
    ]:
        parser.error(f"this needs {', '.join(lacking)}; docs/deploy.md says what they are")
    if not CHEAPEST <= at.dollars <= DEAREST:
        parser.error(f"--dollars {at.dollars:g}: expected {CHEAPEST:.2f} to {DEAREST}")
    try:
        reach_prefect()
        has_lake = load_block(S3Bucket, LAKE_BLOCK) is not None
        account = boto3.client("sts").get_caller_identity()["Account"]
    except Exception as error:
        parser.error(str(api_error(error) or " ".join(str(error).split())))
    if has_lake:
        parser.error("the Prefect API has a lake, whose blocks a trial would replace; name another API or workspace")
    budget, name = Budget(at.dollars), f"pokelake-trial-{secrets.token_hex(4)}"
    print(f"This makes the stack {name} and a bucket of that name in account {account}.\n{budget.sentence()}")
    if not at.yes and not _agreed():
        return 1
    # What ends this takes the stack down first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, get_client(sync_client=True) as prefect:
        mine = {"POKELAKE_STACK": name, "POKELAKE_WORK_POOL": name, "POKELAKE_RESOURCES": SMALL, "COLUMNS": "200"}
        path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
        terminal = Terminal(REPOSITORY, {**os.environ, **mine, "PATH": path}, Path(folder) / "kept")
        store = Store(name, "pokelake")
        return _try(Trial(terminal, prefect, boto3.client, store, name, time.monotonic() + 60 * budget.minutes))


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() == "y"
    except EOFError:
        print("nobody can answer here; --yes does")
        return False


def _try(trial: Trial) -> int:
    runbook = [
        block.replace(BUCKET, trial.store.bucket).replace(USER_AGENT, "pokelake trial") for block in blocks(FIRST)[1:]
    ]
    trouble = list[str]()
    try:
        install(trial, dict(zip(STEPS, runbook, strict=True)))
        for step in (race, refresh_on_schedule, kill_a_task, verify):
            step(trial)
    # Whatever it is, it must not leave a stack that costs money.
    except (Exception, KeyboardInterrupt) as error:
        trouble.append(f"{type(error).__name__}: {error}")
    try:
        trouble += take_down(trial)
    except (Exception, KeyboardInterrupt) as error:
        trouble.append(f"{type(error).__name__}: {error}")
        print(
            f"IT MAY BE THERE STILL, AND COSTS MONEY: `aws cloudformation delete-stack --stack-name {trial.stack}`,"
            f" `aws s3 rb s3://{trial.store.bucket} --force`",
            file=sys.stderr,
        )
    region = os.environ["AWS_DEFAULT_REGION"]
    PAGE.write_text(page(trial.figures, "; ".join(trouble), region, datetime.now(UTC)))
    print(*trouble, f"{PAGE.relative_to(REPOSITORY)} has what was seen.", sep="\n")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
