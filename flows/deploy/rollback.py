"""Rollback: lets the deployments of a lake run a code version that lies in its bucket, without a checkout of it."""

import ast
from collections import Counter
from collections.abc import Mapping
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse

from blocks.names import FIRST, Names
from flows.deploy.code import is_pulling, pull_step, pulled_from
from flows.deploy.version import folder_of, look, pushed
from lake.commit import commit_seqs, each_commit
from lake.errors import LakeError, UnknownNameError
from lake.layout import CODE, CODE_MANIFEST
from lake.store import Store

# The tag of the git commit that a version was pushed from. The bucket does not know it.
_COMMIT = "commit:"


def versions(store: Store, names: Names = FIRST) -> list[dict[str, Any]]:
    """Return a row for each code version that lies whole in the lake's bucket, the one pushed last first.

    A row has its name (version), when it was pushed (pushed), how many snapshots that are kept were made by it
    (snapshots), and the deployments that run it (deployments).
    """
    made = Counter(each_commit(store, commit_seqs(store), lambda commit: str(commit.run.get("code_version"))))
    with get_client(sync_client=True) as client:
        running = _deployments(client, store, names)
    return [
        {
            "version": version,
            "pushed": when,
            "snapshots": made[version],
            "deployments": ", ".join(sorted(item.name for item in running if item.version == version)),
        }
        for version, when in sorted(pushed(store).items(), key=lambda item: item[1], reverse=True)
    ]


def rollback(store: Store, version: str, names: Names = FIRST) -> dict[str, str]:
    """Let every deployment that pulls its code from this lake pull and run a version; return what became of each.

    The version is read whole and checked first. Schedules, and parameters that the version knows, stay. No code of it
    is run here: what its flows take is read from their text.

    Raises:
        UnknownNameError: No such version lies in the bucket.
        LakeError: It is not as it was pushed, or no deployment pulls its code from this lake.
    """
    files, manifest = _read(store, version)
    with get_client(sync_client=True) as client:
        found = _deployments(client, store, names)
        if not found:
            raise LakeError(
                f"no deployment pulls its code from {store.uri(CODE)}; deploy first: `prefect --no-prompt deploy --all`"
            )
        return {
            f"deployment/{item.name}": _roll(
                client, item, version, files, _steps(item, store, version, manifest, names)
            )
            for item in found
        }


def _deployments(client: SyncPrefectClient, store: Store, names: Names) -> list[DeploymentResponse]:
    """Return the deployments that pull their code from this lake."""
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[names.tag]))
    return [item for item in client.read_deployments(deployment_filter=tagged) if _pulls(item, store)]


def _pulls(item: DeploymentResponse, store: Store) -> bool:
    bucket, folder = pulled_from(item.pull_steps) or ("", "")
    return bucket == store.bucket and folder.rpartition(CODE)[0] == store.prefix


def _read(store: Store, version: str) -> tuple[dict[str, bytes], str]:
    """Return the files of a version by path, and the hash of its manifest."""
    lying = look(store, version)
    if lying is None:
        advice = f"those in {store.uri(CODE)} can be run again"
        raise UnknownNameError("code version", version, set(pushed(store)), advice=advice)
    files, differs = lying.read()
    if wrong := sorted({*differs, *lying.strange, *([] if lying.hashes else [CODE_MANIFEST])}):
        raise LakeError(
            f"{store.uri(folder_of(version))}: expected exactly the files of this version, found {len(wrong)} that"
            f" differ ({', '.join(wrong[:5])}); nothing was changed. Find out who changed them, and name another"
            " version"
        )
    return files, lying.sha256


def _roll(
    client: SyncPrefectClient,
    item: DeploymentResponse,
    version: str,
    files: Mapping[str, bytes],
    steps: list[dict[str, Any]],
) -> str:
    if item.version == version:
        return "left"
    path, _, flow = (item.entrypoint or "").partition(":")
    if path not in files:
        return f"left at {item.version}, because {version} has no {path}"
    taken = _parameters(files[path], flow)
    schema = dict(item.parameter_openapi_schema or {})
    schema["properties"] = {name: value for name, value in schema.get("properties", {}).items() if name in taken}
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name in taken]
    update = DeploymentUpdate(
        version=version,
        parameters={name: value for name, value in item.parameters.items() if name in taken},
        parameter_openapi_schema=schema,
        pull_steps=steps,
        tags=[tag for tag in item.tags if not tag.startswith(_COMMIT)],
    )
    client.update_deployment(item.id, update)
    dropped = sorted(item.parameters.keys() - taken)
    return f"changed, without {', '.join(dropped)}, which {version} does not take" if dropped else "changed"


def _parameters(source: bytes, flow: str) -> set[str]:
    """Return the names of the parameters that a flow takes, from the text of its module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == flow:
            return {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    return set()


def _steps(item: DeploymentResponse, store: Store, version: str, manifest: str, names: Names) -> list[dict[str, Any]]:
    """Return the steps of a deployment as they are for another version.

    It is pulled by the command of this code, because that of an older deployment may know no archives.
    """
    pool = item.work_pool_name or ""
    pull = pull_step(store.bucket, f"{store.prefix}{folder_of(version)}", version, manifest, pool, names.lake)
    steps = [dict(step) for step in item.pull_steps or ()]
    place = [is_pulling(step) for step in steps].index(True)
    return [*steps[:place], pull, *(step for step in steps[place:] if not is_pulling(step))]
