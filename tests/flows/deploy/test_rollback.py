"""`pokelake rollback`: deployments run a version that lies in the bucket, and nothing of it is run to find out how."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.deployments.steps.core import run_steps

from flows.deploy.code import FORMER_PULL, PULL, Code, collect, pull_step, push
from flows.deploy.rollback import rollback, versions
from lake.errors import LakeError, UnknownNameError
from lake.store import Store
from tests.flows.deploy.conftest import POOL, Deployed

# What a rollback changes.
CHANGED = ("version", "parameters", "parameter_openapi_schema", "pull_steps", "tags")


@pytest.fixture
def store(deployed: Deployed, client: object) -> Store:
    return Store("lake", "pokelake", deployed.s3())


@pytest.fixture
def older(deployed: Deployed, store: Store) -> Iterator[Code]:
    """Push a version without `report`, whose `maintain` does not know how to expire; undo what is done with it."""
    code = collect(deployed.checkout)
    maintain = code.files["flows/maintain.py"].replace(b"    expire_days: ", b"    days: ")
    files = {path: body for path, body in code.files.items() if path != "flows/report.py"}
    older = Code({**files, "flows/maintain.py": maintain})
    push(store, older)
    before = deployed.deployments()
    yield older
    for item in before.values():
        deployed.api(f"/deployments/{item['id']}", {name: item[name] for name in CHANGED}, "PATCH")
    store.delete([item.key for item in store.list(older.folder)])


def _places(item: dict[str, Any]) -> set[str]:
    """Return every version that a deployment's pull steps name."""
    [[pulled]] = [step.values() for step in item["pull_steps"]]
    given = pulled["env"]
    version, manifest = given["VERSION"], given["MANIFEST_SHA256"]
    return {version, given["FOLDER"].split("/")[-2], manifest[: len(version)]}


def test_deployments_run_a_version_that_lies_in_the_bucket_and_the_newer_one_again(
    deployed: Deployed, store: Store, older: Code, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    newer, before = collect(deployed.checkout), deployed.deployments()
    maintain = before["maintain"]["id"]
    given = {**before["maintain"]["parameters"], "expire_days": 30}
    deployed.api(f"/deployments/{maintain}", {"parameters": given}, "PATCH")
    # A deployment that was made before knows no archives; a step of one's own stays where it was.
    place = {"bucket": "lake", "folder": f"pokelake/{newer.folder}"}
    check = {PULL: {"script": "python3 -c check", "env": {"VERSION": newer.version, "MANIFEST_SHA256": newer.sha256}}}
    own = [{PULL: {"script": "true"}}, {PULL: {"script": "true", "env": {"TEAM": "rocket"}}}]
    former = [own[0], {FORMER_PULL: place}, check, own[1]]
    deployed.api(f"/deployments/{before['restore']['id']}", {"pull_steps": former}, "PATCH")
    listed = {row["version"]: row["deployments"] for row in versions(store)}
    assert listed == {older.version: "", newer.version: ", ".join(sorted(before))}

    done = rollback(store, older.version)
    assert done.pop("deployment/report") == f"left at {newer.version}, because {older.version} has no flows/report.py"
    assert done.pop("deployment/maintain") == f"changed, without expire_days, which {older.version} does not take"
    assert set(done.values()) == {"changed"}
    after = deployed.deployments()
    assert _places(after["report"]) == {newer.version}
    today = pull_step("lake", f"pokelake/{older.folder}", older.version, older.sha256, POOL, "pokelake")
    assert after["restore"].pop("pull_steps") == [own[0], today, own[1]]
    for name in before.keys() - {"report", "restore"}:
        assert after[name]["pull_steps"] == [today]
    for name in before.keys() - {"report"}:
        assert after[name]["version"] == older.version
        assert after[name]["tags"] == ["pokelake"]
        assert [item["schedule"] for item in after[name]["schedules"]] == [
            item["schedule"] for item in before[name]["schedules"]
        ]
    assert after["refresh"]["parameters"] == before["refresh"]["parameters"]
    assert after["refresh"]["parameter_openapi_schema"] == before["refresh"]["parameter_openapi_schema"]
    assert "expire_days" not in after["maintain"]["parameters"]
    assert "expire_days" not in after["maintain"]["parameter_openapi_schema"]["properties"]

    # As a run does it, by the Python of the image.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.defpath}")
    monkeypatch.chdir(tmp_path)
    asyncio.run(run_steps(after["refresh"]["pull_steps"]))
    [pulled] = {path.parents[1] for path in tmp_path.rglob("flows/maintain.py")}
    assert (pulled / "flows" / "maintain.py").read_bytes() == older.files["flows/maintain.py"]
    assert not (pulled / "flows" / "report.py").exists()

    assert set(rollback(store, newer.version).values()) == {"changed", "left"}
    assert {item["version"] for item in deployed.deployments().values()} == {newer.version}


def test_a_version_that_was_changed_in_the_bucket_is_refused_and_nothing_is_changed(
    deployed: Deployed, store: Store, older: Code
):
    before = deployed.deployments()
    with pytest.raises(UnknownNameError, match=r"no code version 'absent'"):
        rollback(store, "absent")
    store.create(f"{older.folder}flows/sitecustomize.py", b"import os")
    with pytest.raises(LakeError, match=r"found 1 that differ \(flows/sitecustomize.py\); nothing was changed"):
        rollback(store, older.version)
    store.delete([f"{older.folder}flows/sitecustomize.py", f"{older.folder}MANIFEST.json"])
    store.create(f"{older.folder}MANIFEST.json", json.dumps({"files": {}}).encode())
    with pytest.raises(LakeError, match=r"that differ \(MANIFEST\.json, blocks/__init__\.py"):
        rollback(store, older.version)
    assert deployed.deployments() == before


def test_without_a_deployment_that_pulls_from_the_lake_it_says_so(deployed: Deployed, store: Store, older: Code):
    elsewhere = Store("lake", "other", deployed.s3())
    push(elsewhere, older)
    with pytest.raises(LakeError, match=r"no deployment pulls its code from s3://lake/other/code/"):
        rollback(elsewhere, older.version)
    elsewhere.delete([item.key for item in elsewhere.list("")])
