"""Questions about the work pool: whether it is there, gives out runs, and has a worker that takes them."""

from datetime import UTC, datetime

from prefect.client.schemas.objects import WorkerStatus

from flows.deploy.doctor.check import Verdict, asked, failed, judge, ok
from flows.deploy.doctor.installation import Installation
from flows.deploy.doctor.service import log_group, service
from flows.deploy.pool import CRAWL_QUEUE
from lake.text import minute

# A source is asked by one crawl at a time.
CRAWLS_AT_ONCE = 1


def work_pool(at: Installation) -> Verdict:
    """Is there such a pool?"""
    return ok(f"{at.pool.name} is of type {at.pool.type}")


def crawl_queue(at: Installation) -> Verdict:
    """Does the queue keep crawls apart?"""
    name = at.names.own(CRAWL_QUEUE)
    queue = at.queues.get(name)
    if queue is None:
        way = f"`prefect work-queue create {name} --limit {CRAWLS_AT_ONCE} --pool {at.pool_name}`"
        return failed(f"the pool has no queue {name}, which keeps crawls apart", way)
    if (limit := queue.concurrency_limit) != CRAWLS_AT_ONCE:
        return failed(
            f"expected {name} to have a limit of {CRAWLS_AT_ONCE}, found {'none' if limit is None else limit}",
            f"`prefect work-queue set-concurrency-limit {name} {CRAWLS_AT_ONCE} --pool {at.pool_name}`",
        )
    return ok(f"{name} lets {CRAWLS_AT_ONCE} run at a time")


def deliveries(at: Installation) -> Verdict:
    """Are runs given out: is neither the pool paused nor one of its queues?"""
    wrong = [(f"the pool {at.pool_name} is paused", f"`prefect work-pool resume {at.pool_name}`")]
    wrong = wrong if at.pool.is_paused else []
    wrong += [
        (f"its queue {name} is paused", f"`prefect work-queue resume {name} --pool {at.pool_name}`")
        for name, queue in at.queues.items()
        if queue.is_paused
    ]
    return judge(wrong, f"neither the pool nor one of its queues is paused: {', '.join(at.queues)}")


def worker(at: Installation) -> Verdict:
    """Does a worker ask for runs?"""
    workers = at.client.read_workers_for_work_pool(at.pool_name)
    heard = max((item.last_heartbeat_time for item in workers if item.last_heartbeat_time), default=None)
    online = [item for item in workers if item.status is WorkerStatus.ONLINE]
    if online and heard:
        return ok(f"{len(online)} of {len(workers)} online, last heard {(datetime.now(UTC) - heard).seconds} s ago")
    last = f", the last was heard at {minute(heard)}" if heard else ""
    fact = f"none of {len(workers)} workers is online{last}, so no run is started"
    if at.pool.type != "ecs":
        return failed(
            fact, f"`prefect worker start --pool {at.pool_name} --type {at.pool.type}`, as a service that stays"
        )
    why = asked(service, at, "check that the saved credentials may ask ECS")
    log = f"look into its log: `aws logs tail {log_group(at)} --since 1h`"
    return failed(f"{fact}\n{why.found}", why.mend or log)
