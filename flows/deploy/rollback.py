"""Rollback: lets the deployments of a lake run a code version that lies in its bucket, without a checkout of it."""

import ast
import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse

from blocks.names import FIRST, Names
from flows.deploy.code import pulled_from
from lake.commit import commit_seqs, each_commit
from lake.errors import LakeError, UnknownNameError
from lake.layout import CODE, CODE_MANIFEST
from lake.store import PARALLEL_REQUESTS, Store

# The tag of the git commit that a version was pushed from. The bucket does not know it.
_COMMIT = "commit:"


def versions(store: Store, names: Names = FIRST) -> list[dict[str, Any]]:
    """Return a row for each code version that lies whole in the lake's bucket, the one pushed last first.

    A row has its name (version), when it was pushed (pushed), how many snapshots that are kept were made by it
    (snapshots), and the deployments that run it (deployments).
    """
    pushed = {item.key.split("/")[1]: item.modified for item in store.list(CODE) if item.key.endswith(CODE_MANIFEST)}
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
        for version, when in sorted(pushed.items(), key=lambda item: item[1], reverse=True)
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
        return {f"deployment/{item.name}": _roll(client, item, store, version, files, manifest) for item in found}


def _deployments(client: SyncPrefectClient, store: Store, names: Names) -> list[DeploymentResponse]:
    """Return the deployments that pull their code from this lake."""
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[names.tag]))
    return [item for item in client.read_deployments(deployment_filter=tagged) if _pulls(item, store)]


def _pulls(item: DeploymentResponse, store: Store) -> bool:
    bucket, folder = pulled_from(item.pull_steps) or ("", "")
    return bucket == store.bucket and folder.rpartition(CODE)[0] == store.prefix


def _read(store: Store, version: str) -> tuple[dict[str, bytes], str]:
    """Return the files of a version by path, and the hash of its manifest."""
    folder = f"{CODE}{version}/"
    body = store.find(folder + CODE_MANIFEST) if "/" not in version else None
    if body is None:
        known = {item.key.split("/")[1] for item in store.list(CODE) if item.key.endswith(CODE_MANIFEST)}
        raise UnknownNameError("code version", version, known, advice=f"those in {store.uri(CODE)} can be run again")
    hashes: dict[str, str] = json.loads(body)["files"] if sha256(body).hexdigest().startswith(version) else {}
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        files = dict(zip(hashes, pool.map(lambda path: store.find(folder + path), hashes), strict=True))
    strange = {item.key.removeprefix(folder) for item in store.list(folder)} - {*hashes, CODE_MANIFEST}
    wrong = [path for path, found in files.items() if found is None or sha256(found).hexdigest() != hashes[path]]
    if wrong := sorted({*wrong, *strange, *([] if hashes else [CODE_MANIFEST])}):
        raise LakeError(
            f"{store.uri(folder)}: expected exactly the files of this version, found {len(wrong)} that differ"
            f" ({', '.join(wrong[:5])}); nothing was changed. Find out who changed them, and name another version"
        )
    return {path: found for path, found in files.items() if found is not None}, sha256(body).hexdigest()


def _roll(
    client: SyncPrefectClient,
    item: DeploymentResponse,
    store: Store,
    version: str,
    files: Mapping[str, bytes],
    manifest: str,
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
        pull_steps=[_step(step, store, version, manifest) for step in item.pull_steps or ()],
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


def _step(step: Mapping[str, Any], store: Store, version: str, manifest: str) -> dict[str, Any]:
    """Return a pull step of a deployment as it is for another version."""
    made: dict[str, Any] = json.loads(json.dumps(step))
    folder = f"{store.prefix}{CODE}{version}/"
    for settings in made.values():
        if "folder" in settings:
            settings["folder"] = folder
        new = {"FOLDER": folder, "VERSION": version, "MANIFEST_SHA256": manifest}
        given = settings.get("env", {})
        given.update({name: value for name, value in new.items() if name in given})
    return made
