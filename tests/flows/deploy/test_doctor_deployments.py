"""`pokelake doctor` on the work pool and its deployments: what is broken is named, with the command that mends it."""

import json
import shlex
from datetime import timedelta

import pytest
import yaml
from prefect.states import Running

from blocks.knobs import FROZEN, REQUESTS_PER_RUN
from blocks.names import FIRST
from flows.deploy import code as pushing
from flows.deploy.automations import REPORT_AUTOMATION
from flows.deploy.automations.trigger import Patience
from flows.deploy.code import FORMER_PULL, PULL, collect
from flows.deploy.doctor import deployments, examine, pool, slots
from flows.deploy.doctor.deployments import HEARTBEAT
from flows.deploy.doctor.installation import SCHEDULES
from flows.steps.parameters import LakeLocation
from tests.flows.deploy.conftest import POOL, QUEUE, REPOSITORY
from tests.flows.deploy.pushed import repack
from tests.flows.deploy.whole import Whole

DEPLOY = f"`POKELAKE_WORK_POOL={POOL} prefect --no-prompt deploy --all`"


def test_what_is_to_be_deployed_is_what_prefect_yaml_says():
    text = (REPOSITORY / "prefect.yaml").read_text()
    entries = yaml.safe_load(text.replace("{{ push_code.suffix }}", FIRST.suffix))["deployments"]
    slugs = {entry["name"]: tuple(item["slug"] for item in entry.get("schedules", ())) for entry in entries}
    triggers = [trigger["name"] for entry in entries for trigger in entry.get("triggers", ())]
    assert slugs == SCHEDULES
    assert triggers == [REPORT_AUTOMATION]


def test_a_pool_that_is_not_there(whole: Whole):
    checks = {check.name: check for check in examine(LakeLocation(), "absent")}
    assert {name for name, check in checks.items() if check.status == "failed"} == {"work pool", "deployments"}
    assert checks["work pool"].mend == "`pokelake setup --work-pool absent`, with --pool-type ecs or process"
    assert checks["deployments"].mend == "`POKELAKE_WORK_POOL=absent prefect --no-prompt deploy --all`"
    assert checks["worker"].found == "not looked at: work pool failed"


def test_a_queue_that_lets_two_crawls_meet(whole: Whole):
    queue = whole.client.read_work_queue_by_name(QUEUE, POOL)
    whole.change(f"/work_queues/{queue.id}", {"concurrency_limit": 1}, {"concurrency_limit": 2})
    check = whole.failure()
    assert (check.name, check.found) == ("work queue", "expected crawl to have a limit of 1, found 2")
    assert check.mend == f"`prefect work-queue set-concurrency-limit {QUEUE} 1 --pool {POOL}`"


def test_a_deployment_with_a_concurrency_limit_of_an_earlier_version(whole: Whole):
    refresh = whole.deployed.deployments()["refresh"]["id"]
    whole.change(f"/deployments/{refresh}", {"concurrency_limit": None}, {"concurrency_limit": 1})
    check = whole.failure()
    assert (check.name, check.mend) == ("limits of deployments", DEPLOY)
    assert check.found.startswith("refresh has a concurrency limit of its own")


def test_a_pool_without_the_queue_for_crawls(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "CRAWL_QUEUE", "absent")
    found = pool.crawl_queue(whole.installation())
    assert (found.status, found.mend) == ("failed", f"`prefect work-queue create absent --limit 1 --pool {POOL}`")


def test_a_paused_pool_and_its_paused_queue_are_both_named(whole: Whole):
    queue = whole.client.read_work_queue_by_name(QUEUE, POOL)
    whole.change(f"/work_queues/{queue.id}", {"is_paused": False}, {"is_paused": True})
    whole.change(f"/work_pools/{POOL}", {"is_paused": False}, {"is_paused": True})
    check = whole.failure()
    assert check.name == "deliveries"
    assert check.mend == f"`prefect work-pool resume {POOL}`\n`prefect work-queue resume {QUEUE} --pool {POOL}`"


def test_no_worker(whole: Whole):
    whole.client.request("DELETE", f"/work_pools/{POOL}/workers/crawler")
    whole.undo.callback(whole.client.send_worker_heartbeat, POOL, "crawler", heartbeat_interval_seconds=600)
    check = whole.failure()
    assert check.name == "worker"
    assert check.mend.startswith(f"`prefect worker start --pool {POOL} --type process`")


def test_a_deployment_that_is_not_there(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SCHEDULES, "absent", ("hourly",))
    found = deployments.existence(whole.installation())
    assert (found.status, found.found, found.mend) == ("failed", "not deployed: absent", DEPLOY)


def test_a_deployment_of_another_version(whole: Whole):
    version = whole.deployed.deployments()["report"]["version"]
    whole.change_deployment("report", version="000000000000")
    found = deployments.code(whole.installation())
    assert found.status == "failed"
    assert f"expected one version, found 000000000000, {version}" in found.found
    assert "expected report to pull s3://lake/pokelake/code/000000000000/" in found.found
    assert DEPLOY in found.mend


def test_a_code_version_that_lacks_its_files_and_holds_another(whole: Whole):
    """A run would fail without the first."""
    store, folder = whole.store(), f"code/{whole.deployed.deployments()['report']['version']}/"
    body = store.get(f"{folder}files.tar.gz")
    store.delete([f"{folder}files.tar.gz"])
    whole.undo.callback(store.create, f"{folder}files.tar.gz", body)
    store.create(f"{folder}flows/old.py", b"")
    whole.undo.callback(store.delete, [f"{folder}flows/old.py"])
    check = whole.failure()
    assert check.name == "code"
    assert f"s3://lake/pokelake/{folder} lacks files.tar.gz" in check.found
    assert check.mend == f"{DEPLOY}\n`aws s3 rm s3://lake/pokelake/{folder}flows/old.py`"


def test_a_code_version_whose_archive_was_changed(whole: Whole):
    store, code = whole.store(), collect(whole.deployed.checkout)
    whole.undo.callback(repack, store, code, {})
    repack(store, code, {"lake/__init__.py": b"steal()"})
    found = deployments.code(whole.installation())
    assert found.status == "failed"
    assert found.found.endswith(f"{code.folder}files.tar.gz is not that of this version: somebody changed it")
    assert found.mend == f"`aws s3 rm --recursive {store.uri(code.folder)}`, and {DEPLOY}"


def test_a_code_version_without_its_manifest(whole: Whole):
    """Written last and removed first: without it, the version is not whole."""
    store, key = whole.store(), f"code/{whole.deployed.deployments()['report']['version']}/MANIFEST.json"
    body = store.get(key)
    store.delete([key])
    whole.undo.callback(store.create, key, body)
    found = deployments.code(whole.installation())
    assert (found.status, found.mend) == ("failed", DEPLOY)
    assert found.found.endswith("has no MANIFEST.json")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"files": {}}'])
def test_a_code_version_whose_manifest_was_changed(whole: Whole, body: bytes):
    store, key = whole.store(), f"code/{whole.deployed.deployments()['report']['version']}/MANIFEST.json"
    whole.undo.callback(store.create, key, store.get(key))
    store.delete([key])
    store.create(key, body)
    whole.undo.callback(store.delete, [key])
    found = deployments.code(whole.installation())
    assert found.status == "failed"
    assert found.found.endswith("MANIFEST.json is not that of this version: somebody changed it")
    assert found.mend == f"`aws s3 rm --recursive {store.uri(key.removesuffix('MANIFEST.json'))}`, and {DEPLOY}"


def test_a_deployment_that_runs_whatever_it_pulls(whole: Whole):
    """Those of earlier versions did."""
    [pull] = whole.deployed.deployments()["report"]["pull_steps"]
    place = {name: pull[PULL]["env"][name.upper()] for name in ("bucket", "folder")}
    whole.change_deployment("report", pull_steps=[{FORMER_PULL: place}])
    found = deployments.code(whole.installation())
    assert (found.found, found.mend) == ("report does not check the code that it pulls", DEPLOY)


def test_code_that_an_image_holds_is_not_looked_for(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pushing, "PULL", "absent")
    found = deployments.code(whole.installation())
    assert (found.status, found.found.endswith(", which nothing pulls")) == ("ok", True)


def test_a_paused_schedule_and_one_that_is_not_in_the_file(whole: Whole):
    item = whole.deployed.deployments()["refresh"]
    [daily] = item["schedules"]
    address = f"/deployments/{item['id']}/schedules"
    whole.change(f"{address}/{daily['id']}", {"active": True}, {"active": False})
    schedule = {"schedule": {"cron": "0 0 1 1 *", "timezone": "UTC"}, "slug": "yearly", "active": False}
    [made] = whole.deployed.api(address, [schedule])
    whole.undo.callback(whole.client.delete_deployment_schedule, item["id"], made["id"])
    check = whole.failure()
    assert check.name == "schedules"
    assert "the schedule daily of refresh is paused\nrefresh has a schedule yearly that is not" in check.found
    assert check.mend == (
        f"`prefect deployment schedule resume refresh/refresh {daily['id']}`\n"
        f"`prefect deployment schedule delete refresh/refresh {made['id']} --accept-yes`"
    )


def test_a_paused_deployment_and_a_schedule_that_it_lacks(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SCHEDULES, "refresh", ("daily", "noon"))
    whole.change_deployment("refresh", paused=True)
    found = deployments.schedules(whole.installation())
    assert (found.status, found.found) == ("failed", "refresh is paused\nrefresh lacks its schedule noon")
    address = f"/deployments/{whole.deployed.deployments()['refresh']['id']}/resume_deployment"
    assert found.mend == f"`prefect api POST {address}`\n{DEPLOY}"


def test_a_deployment_whose_runs_send_no_heartbeats(whole: Whole):
    whole.change_deployment("maintain", job_variables={"env": {}})
    check = whole.failure()
    assert (check.name, check.mend) == ("heartbeats", DEPLOY)
    assert check.found == f"no {HEARTBEAT} in the environment of maintain"


def test_a_lake_that_is_frozen(whole: Whole):
    """Somebody wanted it so, and while it is so nothing runs."""
    whole.change(f"/variables/name/{FROZEN}", {"value": False}, {"value": True})
    check = whole.failure()
    assert (check.name, check.mend) == ("variables", f"`prefect variable set {FROZEN} false --overwrite`")
    assert check.found == f"{FROZEN} is true, so refresh, discover and maintain end at once"


def test_how_many_requests_a_run_has_is_said(whole: Whole):
    whole.change(f"/variables/name/{REQUESTS_PER_RUN}", {"value": None}, {"value": 1500})
    check = deployments.knobs(whole.installation())
    assert (check.status, check.found) == ("ok", "not frozen; 1,500 requests a run")


def test_a_knob_that_no_run_understands(whole: Whole):
    whole.change(f"/variables/name/{REQUESTS_PER_RUN}", {"value": None}, {"value": "many"})
    check = whole.failure()
    assert check.name == "variables"
    assert f"{REQUESTS_PER_RUN}: expected null or a whole number of at least 1, found 'many'" in check.found
    assert check.mend.startswith("`prefect variable set ")


def test_a_slot_of_a_dead_run_is_free_again_by_the_request_that_is_named(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    deployment = whole.client.read_deployment_by_name("refresh/refresh")
    run = whole.client.create_flow_run_from_deployment(deployment.id, state=Running())
    whole.undo.callback(whole.client.delete_flow_run, run.id)
    assert slots.slots(whole.installation()).status == "ok"
    monkeypatch.setattr(slots, "USUAL", Patience(heartbeat=timedelta()))
    check = whole.failure()
    assert check.name == "slots"
    _, _, verb, address, _, body = shlex.split(check.mend.strip("`"))
    whole.client.request(verb, address, json=json.loads(body))
    assert whole.client.read_flow_run(run.id).state_name == "Crashed"
    assert slots.slots(whole.installation()).found == "those of the lake's runs are free"
