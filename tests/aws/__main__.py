"""``make aws``: deploys a stack and a bucket of its own, tries them, takes both down, and writes what it saw.

It needs an account: credentials of somebody who may make roles, the AWS CLI, Docker, and in ``PREFECT_API_URL`` (and
``PREFECT_API_KEY`` or ``PREFECT_API_AUTH_STRING``) a Prefect API that runs in AWS can reach, without deployments of
Pokélake. It names its price and asks before it starts.
"""

import argparse
import os
import secrets
import shutil
import sys
import sysconfig
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3
from prefect.client.orchestration import get_client
from prefect_aws import S3Bucket

from blocks.names import LAKE_BLOCK
from blocks.storage import load_block
from lake.errors import LakeError
from lake.store import Store
from tests.aws.figures import PAGE, page
from tests.aws.price import Budget
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
    budget, name = Budget(at.dollars), f"pokelake-trial-{secrets.token_hex(4)}"
    if budget.minutes < budget.SHORTEST:
        parser.error(f"--dollars {at.dollars:g} pays for {budget.minutes} minutes; {budget.SHORTEST} are needed")
    if load_block(S3Bucket, LAKE_BLOCK) is not None:
        parser.error("the Prefect API has a lake, whose blocks a trial would replace; name another API or workspace")
    account = boto3.client("sts").get_caller_identity()["Account"]
    print(f"This makes the stack {name} and a bucket of that name in account {account}.\n{budget.sentence()}")
    if not at.yes and input("Go on? [y/N] ").strip().lower() != "y":
        return 1
    with tempfile.TemporaryDirectory() as folder, get_client(sync_client=True) as prefect:
        mine = {"POKELAKE_STACK": name, "POKELAKE_WORK_POOL": name, "POKELAKE_RESOURCES": SMALL, "COLUMNS": "200"}
        path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
        terminal = Terminal(REPOSITORY, {**os.environ, **mine, "PATH": path}, Path(folder) / "kept")
        store = Store(name, "pokelake")
        return _try(Trial(terminal, prefect, boto3.client, store, name, time.monotonic() + 60 * budget.minutes))


def _try(trial: Trial) -> int:
    runbook = [
        block.replace(BUCKET, trial.store.bucket).replace(USER_AGENT, "pokelake trial") for block in blocks(FIRST)[1:]
    ]
    trouble: str | None = None
    try:
        install(trial, dict(zip(STEPS, runbook, strict=True)))
        for step in (race, refresh_on_schedule, kill_a_task, verify):
            step(trial)
    except (LakeError, AssertionError, KeyboardInterrupt) as error:
        trouble = f"{type(error).__name__}: {error}"
        print(trouble, file=sys.stderr)
    try:
        take_down(trial)
    except (LakeError, AssertionError, KeyboardInterrupt) as error:
        trouble = f"{trouble or ''} taking it down: {error}".strip()
        print(
            f"{error}\nIT IS STILL THERE AND COSTS MONEY: `aws cloudformation delete-stack --stack-name {trial.stack}`,"
            f" `aws s3 rb s3://{trial.store.bucket} --force`",
            file=sys.stderr,
        )
    region = os.environ["AWS_DEFAULT_REGION"]
    PAGE.write_text(page(trial.figures, trouble, region, datetime.now(UTC)))
    print(f"{PAGE.relative_to(REPOSITORY)} has what was seen.")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
