"""`setup` against a real Prefect server and moto: what it creates, changes and leaves."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect_aws import AwsCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from blocks.lakes import require_lake
from blocks.names import Names
from blocks.source_config import SourceConfig
from flows.deploy.pool import Pool, defaults, own_family, save_pool
from flows.deploy.setup import setup
from flows.deploy.teardown import teardown
from lake.aws import CLIENT_SETTINGS
from lake.crawl import Source
from lake.errors import LakeError, StoreError, UnknownNameError
from tests.prefect_servers import prefect_api

ROLE = "arn:aws:iam::123456789012:role/pokelake-"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-"


@pytest.fixture(scope="module")
def server(migrated: Path) -> Iterator[None]:
    """Run a Prefect server."""
    with prefect_api(migrated):
        yield


@pytest.fixture(scope="module")
def first(server: None) -> dict[str, str]:
    """Set up a server that holds nothing, and once more; return what was said the first time."""
    with pytest.raises(StoreError, match="--bucket"):
        setup(None, None, Source())
    done = setup("lake", "pokelake", Source(user_agent="us"))
    assert setup("lake", "pokelake", Source(user_agent="us")) == dict.fromkeys(done, "left")
    return done


def test_an_address_in_the_place_of_a_bucket_is_refused_before_anything_is_saved():
    with pytest.raises(StoreError, match="found an address; pass --bucket lake --prefix pokelake"):
        setup("s3://lake/pokelake", None, Source())


@pytest.fixture
def ecs(server: None, ecs: Any) -> Any:
    """Return a client of an empty ECS, beside the server."""
    return ecs


@pytest.fixture
def wanted() -> Pool:
    """Return all that a pool of type ecs needs, under a name of its own."""
    return Pool(
        name=f"pool-{uuid4().hex[:8]}",
        kind="ecs",
        cluster="lake",
        image="pokelake:1",
        execution_role=f"{ROLE}execution",
        task_role=f"{ROLE}task",
    )


def save(pool: Pool) -> list[str]:
    """Save a pool; return what was done with the task definition, the pool and its queue."""
    done = save_pool(pool, AwsCredentials())
    assert list(done) == ["task-definition/pokelake", f"work-pool/{pool.name}", f"work-queue/{pool.name}/crawl"]
    return list(done.values())


def read(pool: Pool) -> dict[str, Any]:
    """Return what the server holds of a pool, its queue included."""
    with get_client(sync_client=True) as client:
        queue = client.read_work_queue_by_name("crawl", work_pool_name=pool.name)
        return {"pool": client.read_work_pool(pool.name).model_dump(), "queue": queue.model_dump()}


def variables(pool: Pool) -> dict[str, Any]:
    """Return the defaults of a saved pool's variables."""
    return defaults(read(pool)["pool"]["base_job_template"])


def revisions(ecs: Any) -> list[str]:
    return list(ecs.list_task_definitions()["taskDefinitionArns"])


def test_it_creates_everything_that_is_not_there(first: dict[str, str]):
    assert {name.split("/")[0] for name in first} == {
        "aws-credentials",
        "s3-bucket",
        "global-concurrency-limit",
        "pokelake-source",
        "variable",
        "automation",
    }
    assert set(first.values()) == {"created"}


def test_what_is_given_is_changed_and_the_lake_stays_where_it_is(first: dict[str, str]):
    """An operator who changes one setting of the source must not move the lake by it."""
    done = setup(None, None, Source(user_agent="us", requests_per_second=5))
    assert {name for name, what in done.items() if what == "changed"} == {
        "pokelake-source/pokeapi",
        "global-concurrency-limit/pokeapi",
        # A slower crawl may take longer.
        "automation/pokelake-too-long",
    }
    assert SourceConfig.load("pokeapi").source().requests_per_second == 5
    block = S3Bucket.load("pokelake")
    assert (block.bucket_name, block.bucket_folder) == ("lake", "pokelake")


def test_saved_credentials_keep_what_they_have_and_get_the_lakes_settings_beside_it(first: dict[str, str]):
    """Prefect itself reads results with the saved blocks, and an earlier version saved credentials without settings."""
    assert S3Bucket.load("pokelake-results").credentials.aws_client_parameters.config == CLIENT_SETTINGS
    parameters = AwsClientParameters(config={"read_timeout": 7}, endpoint_url="http://127.0.0.1:9")
    keys = {"aws_access_key_id": "oak", "aws_secret_access_key": "pallet-town"}
    AwsCredentials(aws_client_parameters=parameters, **keys).save("pokelake", overwrite=True)
    done = setup(None, None, SourceConfig.load("pokeapi").source())
    assert {name for name, what in done.items() if what == "changed"} == {"aws-credentials/pokelake"}
    for block in (S3Bucket.load("pokelake"), S3Bucket.load("pokelake-results")):
        client = block.credentials.get_s3_client()
        assert (client.meta.config.read_timeout, client.meta.config.connect_timeout) == (7, 10)
        assert client.meta.endpoint_url == "http://127.0.0.1:9"
        assert block.credentials.aws_secret_access_key.get_secret_value() == "pallet-town"
    # A further lake begins with a copy, and keeps what becomes of it.
    setup("lake", "moon", Source(user_agent="us"), names=Names("moon"), source_block="moonbase")
    copied = AwsCredentials.load("moon")
    assert copied.aws_secret_access_key.get_secret_value() == "pallet-town"
    assert copied.aws_client_parameters.endpoint_url == "http://127.0.0.1:9"
    AwsCredentials(aws_access_key_id="elm").save("moon", overwrite=True)
    setup("lake", "moon", Source(user_agent="us"), names=Names("moon"), source_block="moonbase")
    assert AwsCredentials.load("moon").aws_access_key_id == "elm"
    assert AwsCredentials.load("pokelake").aws_access_key_id == "oak"
    require_lake("moon")
    with pytest.raises(UnknownNameError, match=r"no lake 'mooon'; there are: moon, pokelake"):
        require_lake("mooon")
    teardown("pokelake", Names("moon"))


def test_who_is_told_stays_until_another_block_is_named(first: dict[str, str]):
    def told(*notify: str) -> dict[str, str]:
        done = setup(None, None, SourceConfig.load("pokeapi").source(), notify=notify)
        return {name: what for name, what in done.items() if name.startswith("messages")}

    CustomWebhookNotificationBlock(name="hook", url="http://127.0.0.1:9/").save("oncall")
    assert told("custom-webhook/oncall") == {"messages to custom-webhook/oncall": "created"}
    assert told() == {"messages to custom-webhook/oncall": "left"}
    CustomWebhookNotificationBlock.delete("oncall")
    with pytest.raises(LakeError, match="pass --notify TYPE/NAME, or --notify none to tell nobody"):
        told()
    assert told("none") == {"messages to a block that is gone": "deleted"}


def test_a_pool_is_set_up_with_the_rest(first: dict[str, str], wanted: Pool):
    done = setup(None, None, SourceConfig.load("pokeapi").source(), replace(wanted, kind="process", **NOTHING_OF_ECS))
    assert {name: what for name, what in done.items() if what != "left"} == {
        f"work-pool/{wanted.name}": "created",
        f"work-queue/{wanted.name}/crawl": "created",
    }


NOTHING_OF_ECS = {"cluster": None, "image": None, "execution_role": None, "task_role": None}


def test_a_pool_of_which_nothing_is_said_is_not_made(server: None):
    assert save_pool(Pool("nobodys"), AwsCredentials()) == {}


def test_the_second_time_nothing_is_changed(ecs: Any, wanted: Pool):
    assert save(wanted) == ["created"] * 3
    before, arns = read(wanted), revisions(ecs)
    assert save(wanted) == ["left"] * 3
    assert save(Pool(wanted.name)) == ["left"] * 3
    assert (read(wanted), revisions(ecs)) == (before, arns)


def test_runs_of_the_pool_use_the_task_definition_that_was_registered(ecs: Any, wanted: Pool):
    save(wanted)
    assert [variables(wanted)["task_definition_arn"]] == revisions(ecs)
    assert variables(wanted).items() >= {"cluster": "lake", "launch_type": "FARGATE", "memory": 2048}.items()


def test_a_new_image_is_one_more_revision_and_all_else_stays(ecs: Any, wanted: Pool):
    save(replace(wanted, is_spot=True, memory=4096, env={"AWS_ENDPOINT_URL": "https://s3.example.org"}))
    before = variables(wanted)
    assert before["launch_type"] == "FARGATE_SPOT"
    assert save(Pool(wanted.name, image="pokelake:2")) == ["changed", "changed", "left"]
    [_, latest] = revisions(ecs)
    assert variables(wanted) == {**before, "image": "pokelake:2", "task_definition_arn": latest}
    assert save(Pool(wanted.name, image="pokelake:2")) == ["left"] * 3


def test_another_variable_of_the_environment_joins_those_that_are_there(ecs: Any, wanted: Pool):
    save(replace(wanted, env={"A": "1", "B": "1"}))
    assert save(Pool(wanted.name, env={"B": "2"})) == ["left", "changed", "left"]
    ours = {"PREFECT_HOME": "/home/pokelake/.prefect", "PREFECT_SERVER_EPHEMERAL_ENABLED": "false"}
    assert variables(wanted)["env"] == {**ours, "A": "1", "B": "2"}


def test_a_network_has_what_prefect_asks_for(ecs: Any, wanted: Pool):
    save(replace(wanted, vpc="vpc-1", subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",)))
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    assert variables(wanted).items() >= {"vpc_id": "vpc-1", "network_configuration": network}.items()
    assert save(Pool(wanted.name)) == ["left"] * 3


def test_tasks_behind_a_nat_gateway_get_no_public_address(ecs: Any, wanted: Pool):
    save(replace(wanted, vpc="vpc-1", subnets=("subnet-1",), has_public_ip=False))
    assert variables(wanted)["network_configuration"] == {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}


def test_a_family_of_task_definitions_belongs_to_the_one_pool_that_has_it(ecs: Any, wanted: Pool):
    """Because a pool that is torn down takes the revisions with it."""
    save_pool(replace(wanted, family="mine"), AwsCredentials())
    assert own_family(wanted.name) == "mine"
    save_pool(replace(wanted, name=f"{wanted.name}-too", family="mine"), AwsCredentials())
    assert own_family(wanted.name) is None
    assert own_family("absent") is None


def test_what_somebody_changed_in_the_ui_stays(ecs: Any, wanted: Pool):
    from prefect.client.schemas.actions import WorkPoolUpdate

    save(replace(wanted, vpc="vpc-1", subnets=("subnet-1",)))
    template = read(wanted)["pool"]["base_job_template"]
    template["variables"]["properties"]["network_configuration"]["default"]["assignPublicIp"] = "DISABLED"
    with get_client(sync_client=True) as client:
        client.update_work_pool(wanted.name, WorkPoolUpdate(base_job_template=template))
    assert save(Pool(wanted.name, subnets=("subnet-2",))) == ["left", "changed", "left"]
    assert variables(wanted)["network_configuration"] == {"subnets": ["subnet-2"], "assignPublicIp": "DISABLED"}


def test_secrets_are_named_and_not_read(ecs: Any, wanted: Pool):
    save(replace(wanted, api_key_secret=f"{SECRET}key", auth_string_secret=f"{SECRET}auth"))
    [arn] = revisions(ecs)
    [container] = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]
    assert container["secrets"] == [
        {"name": "PREFECT_API_KEY", "valueFrom": f"{SECRET}key"},
        {"name": "PREFECT_API_AUTH_STRING", "valueFrom": f"{SECRET}auth"},
    ]
    assert container["environment"] == []
    assert variables(wanted)["prefect_api_key_secret_arn"] == f"{SECRET}key"


def test_a_queue_that_lets_two_crawls_run_is_put_right(ecs: Any, wanted: Pool):
    save(wanted)
    with get_client(sync_client=True) as client:
        client.update_work_queue(read(wanted)["queue"]["id"], concurrency_limit=2)
    assert save(wanted) == ["left", "left", "changed"]
    assert read(wanted)["queue"]["concurrency_limit"] == 1


def test_everything_that_ecs_lacks_is_named_at_once(ecs: Any, wanted: Pool):
    expected = "found no --image, --task-role, --vpc, --subnet;"
    with pytest.raises(LakeError, match=expected):
        save_pool(replace(wanted, image=None, task_role=None, security_groups=("sg-1",)), AwsCredentials())
    assert revisions(ecs) == []


def test_a_pool_of_another_type_is_refused(server: None, wanted: Pool):
    save_pool(Pool(wanted.name, kind="process"), AwsCredentials())
    with pytest.raises(LakeError, match=f"'{wanted.name}': expected type ecs, found process"):
        save_pool(wanted, AwsCredentials())


def test_an_image_for_a_pool_of_processes_is_refused(server: None, wanted: Pool):
    with pytest.raises(LakeError, match="expected no setting but --env for type process, found image"):
        save_pool(Pool(wanted.name, kind="process", image="pokelake:1", env={"A": "1"}), AwsCredentials())


def test_facts_about_a_pool_that_is_not_there_need_its_type(server: None, wanted: Pool):
    with pytest.raises(LakeError, match="give --pool-type"):
        save_pool(Pool(wanted.name, image="pokelake:2"), AwsCredentials())


def test_a_pool_of_processes_is_prefects_own_and_left_the_second_time(server: None, wanted: Pool):
    from prefect.workers.process import ProcessWorker

    pool = Pool(wanted.name, kind="process")
    assert list(save_pool(pool, AwsCredentials()).values()) == ["created", "created"]
    assert read(pool)["pool"]["base_job_template"] == ProcessWorker.get_default_base_job_template()
    assert list(save_pool(Pool(wanted.name), AwsCredentials()).values()) == ["left", "left"]
    assert list(save_pool(Pool(wanted.name, env={"A": "1"}), AwsCredentials()).values()) == ["changed", "left"]
    assert variables(pool)["env"] == {"A": "1"}
