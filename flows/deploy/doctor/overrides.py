"""Questions about the overrides that the worker sends to ECS for each run: do they fit, and do they let it resume?"""

import asyncio
import json
import shlex
from typing import Any
from uuid import uuid4

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import Flow, FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect_aws.workers.ecs_worker import ECSJobConfiguration

from flows.deploy.doctor.check import Verdict, failed, ok, skipped
from flows.deploy.doctor.ecs import SPOT
from flows.deploy.doctor.installation import Installation

# RunTask refuses more bytes than this, and the worker does not check.
RUN_TASK_BYTES = 8192

# The worker may have more settings than this process; leave room for them.
LARGEST_BYTES = 7000

SIGTERM, RESCHEDULE = "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR", "reschedule"


def sizes(at: Installation) -> Verdict:
    """Do the overrides of each deployment's runs fit into a request?"""
    found = {name: len(json.dumps(sent).encode()) for name, sent in asyncio.run(overrides(at)).items()}
    largest = max(found, key=lambda name: found[name])
    measured = (
        f"{found[largest]:,} of the {RUN_TASK_BYTES:,} bytes that RunTask takes, for {largest},"
        " measured with this process's Prefect settings in place of the worker's"
    )
    if found[largest] > LARGEST_BYTES:
        way = (
            "shorten the environment: that of the pool (`pokelake setup --env`), job_variables in prefect.yaml,"
            " and the worker's PREFECT_ variables, which it passes on"
        )
        return failed(f"{measured}; expected at most {LARGEST_BYTES:,}", way)
    return ok(measured)


async def overrides(at: Installation) -> dict[str, dict[str, Any]]:
    """Return the overrides that the worker sends with a run, for each deployment."""
    async with get_client() as client:
        return {
            name: _sent(
                at,
                item,
                await ECSJobConfiguration.from_template_and_values(
                    at.pool.base_job_template, item.job_variables, client=client
                ),
            )
            for name, item in at.deployments.items()
        }


def _sent(at: Installation, deployment: DeploymentResponse, configuration: ECSJobConfiguration) -> dict[str, Any]:
    if configuration.prefect_api_key_secret_arn:
        # The worker removes its key from the environment, because the task reads the secret, and fails without a key.
        configuration.env.setdefault("PREFECT_API_KEY", "")
    run = FlowRun(id=uuid4(), flow_id=deployment.flow_id, deployment_id=deployment.id, name="x" * 40)
    flow = Flow(id=deployment.flow_id, name=deployment.name, labels={})
    configuration.prepare_for_flow_run(run, deployment, flow, at.pool, f"ECSWorker {uuid4()}", uuid4())
    sent: dict[str, Any] = configuration.task_run_request["overrides"]
    container = sent["containerOverrides"][0]
    container["command"] = shlex.split(configuration.command or "")
    container["environment"] = [{"name": name, "value": value} for name, value in configuration.env.items()]
    return sent


def interruptions(at: Installation) -> Verdict:
    """Does a run on Fargate Spot go back to the queue when its task is taken away?"""
    spot = {name: item for name, item in at.deployments.items() if _is_on_spot(at.variables(item))}
    if not spot:
        return skipped("not needed: no deployment runs on Fargate Spot")
    lost = [name for name, item in spot.items() if at.variables(item)["env"].get(SIGTERM) != RESCHEDULE]
    if lost:
        return failed(f"on Fargate Spot without {SIGTERM}={RESCHEDULE}: {', '.join(lost)}", at.deploy)
    return ok(f"interrupted runs of {', '.join(spot)} go back to the queue")


def _is_on_spot(variables: dict[str, Any]) -> bool:
    providers = [item["capacityProvider"] for item in variables.get("capacity_provider_strategy") or ()]
    return SPOT in (providers or [variables.get("launch_type")])
