"""`pokelake doctor`: what is whole is well, and what is broken in Prefect's API, blocks and storage is named."""

from itertools import repeat
from typing import Any

import prefect
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL, PREFECT_CLOUD_API_URL, temporary_settings
from prefect_aws import AwsCredentials
from prefect_aws.client_parameters import AwsClientParameters

from blocks.names import FIRST, Names
from flows.deploy.doctor import examine, storage
from flows.steps.parameters import LakeLocation
from lake.bucket import LAKE_BLOCK
from tests.flows.deploy.conftest import POOL
from tests.flows.deploy.whole import Whole

ON_ECS = {
    "ECS cluster",
    "task definition",
    "roles of tasks",
    "secrets of tasks",
    "image",
    "packages of the image",
    "network",
    "queue of ECS events",
    "rule of ECS events",
    "dead letters",
    "size of the overrides",
    "interruptions",
}


def test_all_is_well_and_what_only_ecs_needs_is_not_looked_at(whole: Whole):
    found = whole.examine()
    # Nobody is told unless somebody asks for it, and nobody has verified this lake.
    assert {found.pop(name).status for name in ("messages", "verification")} == {"skipped"}
    assert {name for name, check in found.items() if check.status != "ok"} == ON_ECS
    assert {found[name].found for name in ON_ECS} == {"not needed: the pool is of type process"}
    assert "account 123456789012" in found["AWS account"].found
    assert whole.deployed.stack.s3 in found["AWS account"].found
    # The keys of the stack.
    assert not any("testing" in line for check in found.values() for line in check.lines())


@pytest.mark.parametrize(
    ("url", "said"), [("http://ash:pallet@127.0.0.1:9/api", "does not answer"), (None, "is not set")]
)
def test_without_prefects_api_everything_else_waits_for_it(url: str | None, said: str, monkeypatch: pytest.MonkeyPatch):
    """Not the least for it is what starts a server of its own where none is named."""
    monkeypatch.setattr("httpcore._sync.connection.exponential_backoff", lambda factor: repeat(0))
    with temporary_settings({PREFECT_API_URL: url} if url else None, restore_defaults=() if url else {PREFECT_API_URL}):
        api, *others = examine(LakeLocation(), POOL)
    assert (api.name, api.status) == ("Prefect API", "failed")
    assert said in api.found
    assert "pallet" not in api.found
    assert "`prefect config set PREFECT_API_URL=" in api.mend
    assert {(check.status, check.found) for check in others} == {("skipped", "not looked at: Prefect API failed")}


def test_prefect_cloud_has_no_version_to_be_compared(whole: Whole):
    with temporary_settings({PREFECT_CLOUD_API_URL: whole.deployed.stack.environment["PREFECT_API_URL"]}):
        found = storage.prefect_api(whole.installation())
    assert (found.status, "is Prefect Cloud" in found.found) == ("ok", True)


def test_an_older_server_is_named(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    server = prefect.__version__
    monkeypatch.setattr(prefect, "__version__", "3.99.0")
    check = whole.failure()
    assert check.name == "Prefect API"
    assert f"has version {server}, the client 3.99.0" in check.found
    assert "`pip install prefect==3.99.0`" in check.mend


def test_a_block_that_is_not_saved_is_named_and_what_needs_it_waits(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Names, "results", "absent")
    checks = whole.examine()
    [check] = [check for check in checks.values() if check.status == "failed"]
    assert (check.name, check.mend) == ("s3-bucket/absent", "`pokelake setup`")
    assert check.found == "no S3Bucket block 'absent' is saved"
    assert checks["results storage"].found == f"not looked at: {check.name} failed"


def test_a_store_that_is_not_aws_and_has_no_accounts(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    """As MinIO; at AWS it would be a failure."""
    get_client = AwsCredentials.get_client

    def without_sts(block: AwsCredentials, client_type: Any) -> Any:
        if client_type == "sts":
            raise ValueError("not implemented")
        return get_client(block, client_type)

    monkeypatch.setattr(AwsCredentials, "get_client", without_sts)
    found = storage.account(whole.installation())
    assert (found.status, "it is not AWS's and names no account" in found.found) == ("ok", True)


def test_a_lake_elsewhere_than_asked_about(whole: Whole):
    [check] = [check for check in examine(LakeLocation(bucket="other"), POOL) if check.status == "failed"]
    assert check.name == "s3-bucket/pokelake"
    assert "s3://other/" in check.found
    assert "s3://lake/pokelake/" in check.found
    assert check.mend == "`pokelake setup --bucket other --prefix ''`"


def test_a_bucket_that_is_not_there(whole: Whole):
    whole.change_block(LAKE_BLOCK, bucket_name="absent")
    check = whole.failure()
    assert check.name == "bucket"
    assert "there is no bucket 'absent'" in check.found


def test_how_its_client_bears_with_s3_is_said_and_whose_settings_these_are(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
):
    says = "s3://lake/pokelake/ takes conditional writes, reads and deletes, with {} for an answer; {}"
    ours = says.format("6 tries, 10 s for a connection, 60 s", "these are the lake's own")
    at = whole.installation()
    assert storage.bucket(at).found == ours
    own = AwsClientParameters(config={"read_timeout": 7, "retries": {"total_max_attempts": 1}})
    at.lake_block.credentials.aws_client_parameters = own
    theirs = says.format("1 try, 10 s for a connection, 7 s", "its block sets retries, read_timeout")
    assert storage.bucket(at).found == theirs


def test_results_elsewhere_than_in_the_lake(whole: Whole):
    whole.change_block(FIRST.results, bucket_folder="elsewhere")
    check = whole.failure()
    assert (check.name, check.mend) == ("results storage", "`pokelake setup`")
    assert "found them in s3://lake/elsewhere" in check.found


def test_a_global_limit_of_another_pace_than_the_sources(whole: Whole):
    whole.change("/v2/concurrency_limits/pokeapi", {"slot_decay_per_second": 10}, {"slot_decay_per_second": 9})
    check = whole.failure()
    mend = "`prefect gcl update pokeapi --limit 40 --slot-decay-per-second 10`"
    assert (check.name, check.mend) == ("global limit", mend)
    assert check.found == "expected pokeapi to have 40 slots, of which 10 come back each second, found 40 and 9"


def test_a_global_limit_of_an_earlier_version_whose_slots_a_dead_run_keeps(whole: Whole):
    ours, earlier = {"slot_decay_per_second": 10, "limit": 40}, {"slot_decay_per_second": 0, "limit": 4}
    whole.change("/v2/concurrency_limits/pokeapi", {**ours, "active_slots": 0}, {**earlier, "active_slots": 4})
    check = whole.failure()
    assert (check.name, check.mend) == ("global limit", "`pokelake setup`")
    assert "whose slots a dead run keeps; 4 of 4 slots are taken" in check.found


def test_a_global_limit_that_is_switched_off(whole: Whole):
    whole.change("/v2/concurrency_limits/pokeapi", {"active": True}, {"active": False})
    found = storage.global_limit(whole.installation())
    assert (found.status, found.mend) == ("failed", "`prefect gcl update pokeapi --enable`")


def test_a_global_limit_that_is_not_there(whole: Whole):
    limit = whole.client.read_global_concurrency_limit_by_name("pokeapi")
    whole.change(f"/v2/concurrency_limits/{limit.id}", {"name": "pokeapi"}, {"name": "other"})
    found = storage.global_limit(whole.installation())
    assert (found.status, found.found, found.mend) == ("failed", "there is no limit pokeapi", "`pokelake setup`")


def test_what_cannot_be_asked_is_a_failure_that_stops_nothing(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    def refuse(client: SyncPrefectClient, name: str) -> None:
        raise RuntimeError("403 Forbidden:\n this key may not read automations")

    monkeypatch.setattr(SyncPrefectClient, "read_automations_by_name", refuse)
    failures = {name: check for name, check in whole.examine().items() if check.status == "failed"}
    assert failures.keys() == {"automations", "messages"}
    for check in failures.values():
        assert check.found == "RuntimeError: 403 Forbidden: this key may not read automations"
        assert "check that your API key may read from it" in check.mend
