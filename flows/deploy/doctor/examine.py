"""Every question, in the order in which things depend on each other."""

from contextlib import ExitStack, suppress

from blocks.knobs import FROZEN, REQUESTS_PER_RUN
from blocks.lakes import source_block
from blocks.names import SOURCE_BLOCK, Names
from flows.deploy.doctor import (
    alarms,
    deployments,
    ecs,
    image,
    network,
    overrides,
    pool,
    roles,
    secrets,
    slots,
    storage,
    verified,
)
from flows.deploy.doctor.check import Check, Question, answer
from flows.deploy.doctor.installation import Installation
from flows.steps.parameters import LakeLocation
from lake.errors import LakeError

API, POOL, DEPLOYMENTS, BUCKET, AUTOMATIONS = "Prefect API", "work pool", "deployments", "bucket", "automations"
CLUSTER, DEFINITION, QUEUE = "ECS cluster", "task definition", "queue of ECS events"


def questions(names: Names, source_name: str, pool_name: str) -> tuple[Question, ...]:
    """Return the questions about an installation."""
    credentials, lake = f"aws-credentials/{names.credentials}", f"s3-bucket/{names.lake}"
    results, source = f"s3-bucket/{names.results}", f"pokelake-source/{source_name}"
    blocks = f"pokelake setup{names.flags}"
    setup = f"`{blocks} --work-pool {pool_name}`"
    server = "look into the log of the Prefect server, and check that your API key may read from it"
    access = "check that AWS_ENDPOINT_URL is right, and that the credentials may do what `pokelake iam-policy` prints"
    knobs = " or ".join(
        f"`prefect variable set {name} --overwrite`" for name in (f"{FROZEN} false", f"{REQUESTS_PER_RUN} null")
    )
    on_ecs = (credentials, POOL)
    return (
        Question(API, storage.prefect_api, server),
        Question(credentials, storage.credentials_block, f"`{blocks}`", (API,)),
        Question(lake, storage.lake_block, f"`{blocks} --bucket NAME`", (API,)),
        Question(results, storage.results_block, f"`{blocks}`", (API,)),
        Question(source, storage.source_block, f"`{blocks}`", (API,)),
        Question("AWS account", storage.account, access, (lake,)),
        Question(BUCKET, storage.bucket, access, (lake,)),
        Question("results storage", storage.results, f"`{blocks}`", (results, BUCKET)),
        Question("global limit", storage.global_limit, f"`{blocks}`", (source,)),
        Question(POOL, pool.work_pool, f"{setup}, with --pool-type ecs or process", (API,)),
        Question("work queue", pool.crawl_queue, server, (POOL,)),
        Question("deliveries", pool.deliveries, server, (POOL,)),
        Question("slots", slots.slots, server, (POOL,)),
        Question("worker", pool.worker, server, (POOL,)),
        Question(DEPLOYMENTS, deployments.existence, server, (API,)),
        Question("code", deployments.code, access, (DEPLOYMENTS, BUCKET)),
        Question("schedules", deployments.schedules, server, (DEPLOYMENTS,)),
        Question("verification", verified.verified, server, (DEPLOYMENTS, lake)),
        Question("limits of deployments", deployments.limits, server, (DEPLOYMENTS,)),
        Question("heartbeats", deployments.heartbeats, server, (POOL, DEPLOYMENTS)),
        Question(AUTOMATIONS, alarms.watchers, server, (API,)),
        Question("alarms", alarms.alarms, server, (BUCKET, AUTOMATIONS)),
        Question("messages", alarms.messages, server, (API,)),
        Question("variables", deployments.knobs, knobs, (API,)),
        Question(CLUSTER, ecs.cluster, access, on_ecs, "ecs"),
        Question(DEFINITION, ecs.task_definition, setup, on_ecs, "ecs"),
        Question("roles of tasks", roles.roles, access, on_ecs, "ecs"),
        Question("secrets of tasks", secrets.secrets, access, on_ecs, "ecs"),
        Question("image", image.image, access, on_ecs, "ecs"),
        Question("packages of the image", image.packages, access, on_ecs, "ecs"),
        Question("network", network.network, access, on_ecs, "ecs"),
        Question(QUEUE, ecs.queue, access, (*on_ecs, CLUSTER), "ecs"),
        Question("rule of ECS events", ecs.rule, access, (*on_ecs, QUEUE), "ecs"),
        Question("dead letters", ecs.dead_letters, access, (*on_ecs, QUEUE), "ecs"),
        Question("size of the overrides", overrides.sizes, server, (*on_ecs, DEPLOYMENTS, DEFINITION), "ecs"),
        Question("interruptions", overrides.interruptions, server, (*on_ecs, DEPLOYMENTS), "ecs"),
    )


def examine(lake: LakeLocation, pool: str, source: str | None = None) -> list[Check]:
    """Check everything that the deployments in a work pool need; one thing that is wrong never hides another.

    A question that needs one that failed is skipped, and says so.
    """
    found: dict[str, Check] = {}
    with ExitStack() as parts:
        at = Installation(lake, pool, parts, source or SOURCE_BLOCK)
        first, *_ = questions(at.names, at.source_name, pool)
        found[first.name] = answer(first, at, found)
        if source is None and found[first.name].status == "ok":
            # What is wrong with the Variable is told by the question about all of them.
            with suppress(LakeError):
                at.source_name = source_block(lake.block)
        for question in questions(at.names, at.source_name, pool)[1:]:
            found[question.name] = answer(question, at, found)
    return list(found.values())
