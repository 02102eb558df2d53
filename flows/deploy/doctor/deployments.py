"""Questions about the deployments: their code, their schedules, and what holds all of them."""

from collections.abc import Iterator

from prefect.client.schemas.responses import DeploymentResponse

from blocks.knobs import FROZEN, is_frozen, requests_per_run
from blocks.lakes import sources
from flows.deploy.code import pulled_from
from flows.deploy.doctor.check import Verdict, failed, judge, ok
from flows.deploy.doctor.installation import Installation
from flows.deploy.version import folder_of, look
from lake.layout import CODE, CODE_ARCHIVE, CODE_MANIFEST

HEARTBEAT = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"

CHECK = "prefect.deployments.steps.run_shell_script"

# The variable that only the check of what was pulled is given.
HASH = "MANIFEST_SHA256"


def existence(at: Installation) -> Verdict:
    """Are all deployments there, in this pool?"""
    found, way = at.deployments, at.deploy
    absent = [name for name in at.schedules if name not in found]
    strays = [
        f"{name} in {item.work_pool_name or 'none'}"
        for name, item in found.items()
        if item.work_pool_name != at.pool_name
    ]
    wrong = [(f"not deployed: {', '.join(absent)}", way)] if absent else []
    wrong += [(f"expected all in the pool {at.pool_name}, found {', '.join(strays)}", way)] if strays else []
    return judge(wrong, f"{', '.join(found)} are in the pool {at.pool_name}")


def code(at: Installation) -> Verdict:
    """Do all deployments have the same code version, do they pull it, and is it whole in the bucket?"""
    store, way = at.store, at.deploy
    wrong = []
    versions = sorted({item.version or "none" for item in at.deployments.values()})
    if len(versions) > 1:
        wrong.append((f"expected one version, found {', '.join(versions)}", way))
    pulled = set()
    for name, item in at.deployments.items():
        if step := pulled_from(item.pull_steps):
            version = item.version or "none"
            pulled.add(version)
            expected = store.bucket, f"{store.prefix}{CODE}{version}/"
            if not any(HASH in found.get(CHECK, {}).get("env", {}) for found in item.pull_steps or ()):
                wrong.append((f"{name} does not check the code that it pulls", way))
            if step != expected:
                wrong.append((f"expected {name} to pull s3://{'/'.join(expected)}, found s3://{'/'.join(step)}", way))
    wrong += [flaw for version in sorted(pulled) for flaw in _flaws(at, version)]
    where = f"whole in {store.uri(CODE)}" if pulled else "which nothing pulls"
    return judge(wrong, f"version {', '.join(versions)}, {where}")


def _flaws(at: Installation, version: str) -> Iterator[tuple[str, str]]:
    """Yield each flaw of a code version's folder, with the way to mend it."""
    folder, lying = folder_of(version), look(at.store, version)
    if lying is None:
        yield f"{at.store.uri(folder)} has no {CODE_MANIFEST}", at.deploy
        return
    anew = f"`aws s3 rm --recursive {at.store.uri(folder)}`, and {at.deploy}"
    if not lying.hashes:
        yield f"{at.store.uri(folder + CODE_MANIFEST)} is not that of this version: somebody changed it", anew
        return
    if lying.lacking:
        yield f"{at.store.uri(folder)} lacks {', '.join(lying.lacking)}", at.deploy
    elif lying.is_archive and lying.read()[1]:
        yield f"{at.store.uri(folder + CODE_ARCHIVE)} is not that of this version: somebody changed it", anew
    for path in lying.strange:
        # Somebody may take this object for code.
        uri = at.store.uri(folder + path)
        yield f"{uri} is not part of the version", f"`aws s3 rm {uri}`"


def schedules(at: Installation) -> Verdict:
    """Is every schedule of `prefect.yaml` active, and is there no other?"""
    wrong = [flaw for item in at.deployments.values() for flaw in _unscheduled(at, item)]
    slugs = [f"{name} {slug}" for name in at.deployments for slug in at.schedules[name]]
    return judge(wrong, f"active: {', '.join(slugs)}")


def _unscheduled(at: Installation, deployment: DeploymentResponse) -> Iterator[tuple[str, str]]:
    """Yield each flaw of a deployment's schedules, with the way to mend it."""
    name, expected = deployment.name, at.schedules[deployment.name]
    found = {schedule.slug: schedule for schedule in deployment.schedules}
    if deployment.paused:
        yield f"{name} is paused", f"`prefect api POST /deployments/{deployment.id}/resume_deployment`"
    for slug in expected:
        if slug not in found:
            yield f"{name} lacks its schedule {slug}", at.deploy
        elif not found[slug].active:
            yield (
                f"the schedule {slug} of {name} is paused",
                f"`prefect deployment schedule resume {at.flow_of(name)}/{name} {found[slug].id}`",
            )
    for schedule in deployment.schedules:
        if schedule.slug not in expected:
            # Prefect keeps a schedule that was removed from the file.
            yield (
                f"{name} has a schedule {schedule.slug or 'without a slug'} that is not in prefect.yaml",
                f"`prefect deployment schedule delete {at.flow_of(name)}/{name} {schedule.id} --accept-yes`",
            )


def limits(at: Installation) -> Verdict:
    """Has no deployment a concurrency limit of its own, whose slots Prefect's server forgets when it ends?"""
    way = at.deploy
    wrong = [
        (f"{name} has a concurrency limit of its own, so Prefect ends its run when the server was started again", way)
        for name, item in at.deployments.items()
        if item.global_concurrency_limit is not None
    ]
    return judge(wrong, "no deployment has a concurrency limit of its own; the queue keeps crawls apart")


def heartbeats(at: Installation) -> Verdict:
    """Does every run say that it is alive, so that a dead one is noticed?"""
    silent = [name for name, item in at.deployments.items() if HEARTBEAT not in at.variables(item)["env"]]
    if silent:
        return failed(f"no {HEARTBEAT} in the environment of {', '.join(silent)}", at.deploy)
    return ok(f"{HEARTBEAT} is in the environment of every run")


def knobs(at: Installation) -> Verdict:
    """Does no knob hold everything?"""
    sources()
    if is_frozen():
        return failed(
            f"{FROZEN} is true, so refresh, discover and maintain end at once",
            f"`prefect variable set {FROZEN} false --overwrite`",
        )
    budget = requests_per_run()
    return ok(
        f"not frozen; {'as many requests a run as the source says' if budget is None else f'{budget:,} requests a run'}"
    )
