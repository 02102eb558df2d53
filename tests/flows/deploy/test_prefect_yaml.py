"""`prefect.yaml`, deployed to a real server: what is saved, what a run gets of it, and what stops it."""

import json
import re
from pathlib import Path
from typing import Any

from flows.deploy.code import collect, pull_step
from flows.deploy.leaks import secrets_in
from lake.store import Store
from tests.flows.deploy.conftest import FLOWS, POOL, REPOSITORY, Deployed
from tests.flows.deploy.pushed import repack


def without_times(value: Any) -> Any:
    """Return what the server says without the times of saving."""
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in {"created", "updated"}}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def test_it_holds_nothing_secret_and_nothing_of_one_account():
    text = (REPOSITORY / "prefect.yaml").read_bytes()
    assert list(secrets_in(text)) == []
    assert re.findall(rb"arn:|s3://|[0-9]{12}|amazonaws|endpoint", text) == []


def test_the_work_pool_is_the_only_variable_that_must_be_set():
    """Prefect puts nothing in the place of a variable that is not set; of a pool's name it then says so.

    The push takes nothing for the first lake and its source.
    """
    found = set(re.findall(r"{{ \$(\w+) }}", (REPOSITORY / "prefect.yaml").read_text()))
    assert found == {"POKELAKE_WORK_POOL", "POKELAKE_LAKE", "POKELAKE_SOURCE_BLOCK"}


def test_every_flow_is_deployed_under_its_own_name(deployed: Deployed):
    found = deployed.deployments()
    assert set(found) == set(FLOWS)
    assert {name: item["entrypoint"] for name, item in found.items()} == {n: f"flows/{n}.py:{n}" for n in FLOWS}
    assert all(item["description"] and item["work_pool_name"] == POOL for item in found.values())


def test_every_deployment_has_the_version_of_the_code_and_pulls_that_folder(deployed: Deployed):
    code = collect(deployed.checkout)
    folder = f"pokelake/code/{code.version}/"
    pull = pull_step("lake", folder, code.version, code.sha256, POOL, "pokelake")
    for item in deployed.deployments().values():
        assert item["version"] == code.version
        assert item["pull_steps"] == [pull]
        assert item["tags"] == ["pokelake", "commit:none"]
    pushed = {key for key in deployed.objects() if "/code/" in key}
    assert pushed == {f"{folder}{name}" for name in ("files.tar.gz", "MANIFEST.json")}


def test_deploying_again_changes_nothing_but_a_limit_that_an_earlier_version_gave(deployed: Deployed):
    before, objects = without_times(deployed.deployments()), deployed.objects()
    deployed.api(f"/deployments/{before['refresh']['id']}", {"concurrency_limit": 1}, "PATCH")
    automations = without_times(deployed.api("/automations/filter", {}))
    said = deployed.deploy()
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("already there") == len(FLOWS)
    assert without_times(deployed.deployments()) == before
    assert deployed.objects() == objects
    again = without_times(deployed.api("/automations/filter", {}))
    # Prefect makes a deployment's automations anew each time.
    for item in (*automations, *again):
        item.pop("id"), item["trigger"].pop("id")
    assert again == automations
    assert "pokelake-report-on-published" in {item["name"] for item in again}


def test_without_the_pools_name_nothing_is_deployed_and_the_variable_is_named(deployed: Deployed):
    before = deployed.deployments()
    said = deployed.deploy(without="POKELAKE_WORK_POOL")
    assert said.returncode == 1
    assert "$POKELAKE_WORK_POOL" in said.stdout + said.stderr
    assert deployed.deployments() == before


def test_what_is_pulled_is_all_that_the_flows_need(deployed: Deployed, tmp_path: Path):
    said = deployed.pull(tmp_path)
    assert said.returncode == 0, said.stderr
    names, sources = json.loads(said.stdout.splitlines()[-1])
    assert names == sorted(FLOWS)
    assert sources
    assert all(Path(source).is_relative_to(tmp_path) for source in sources)


def test_code_that_was_changed_in_the_bucket_is_refused_before_any_of_it_runs(deployed: Deployed, tmp_path: Path):
    code, mark = collect(deployed.checkout), tmp_path / "ran"
    store = Store("lake", "pokelake", deployed.s3())
    repack(store, code, {"lake/__init__.py": f"open({str(mark)!r}, 'w')".encode()})
    try:
        said = deployed.pull(tmp_path)
    finally:
        repack(store, code, {})
    assert said.returncode != 0
    assert f"code version {code.version} was pulled, and none of it was run" in said.stderr
    assert "found 1 that differ ('lake/__init__.py'). Find out who changed" in said.stderr
    assert not mark.exists()


def test_a_push_that_fails_leaves_every_deployment_at_the_version_it_had(deployed: Deployed):
    before, objects = deployed.deployments(), deployed.objects()
    leak = deployed.checkout / "flows" / "leak.py"
    leak.write_text("KEY = 'AKIA" + "IOSFODNN7EXAMPLE'\n")
    try:
        said = deployed.deploy()
    finally:
        leak.unlink()
    assert said.returncode == 1
    assert "flows/leak.py, line 1: looks like an AWS access key" in said.stdout + said.stderr
    assert deployed.deployments() == before
    assert deployed.objects() == objects


def test_without_the_lakes_block_it_says_what_to_run(deployed: Deployed):
    said = deployed.run("-c", "from flows.deploy.code import push_code; push_code('elsewhere')")
    assert said.returncode == 1
    way = "run `pokelake setup --lake elsewhere --bucket B` first"
    assert f"no S3Bucket block 'elsewhere' is saved; {way}" in said.stderr
