"""The printed policies, as far as they can be judged without AWS; `test_least_privilege.py` does things under them."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import prefect_aws
import pytest

from flows.cli import main
from flows.deploy import iam
from flows.deploy.iam import ROLES, Account, policy, trust
from flows.deploy.stack import read_stack
from lake.errors import UnknownNameError
from tests.flows.deploy.cloudformation import complete_moto, deploy
from tests.flows.deploy.conftest import REPOSITORY

DEPLOY = REPOSITORY / "flows" / "deploy"

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prefect-api-key-a1b2c3"
ACCOUNT = Account("123456789012", "eu-central-1", "lake", "pokelake", secrets=(SECRET,))

# An inline policy of a role may not be longer.
POLICY_BYTES = 10_240

# AWS knows no resource that these could be limited to.
UNLIMITED = {
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    # Within a cluster, which is a condition.
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "events:DescribeRule",
    "events:ListRuleNamesByTarget",
}

# Whoever asks, that is answered; a right to it cannot be given.
ALWAYS = {"sts:GetCallerIdentity"}


def actions(document: dict[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def called(sources: Iterable[Path]) -> set[str]:
    """Return the actions of AWS that are named in sources, as calls of boto3's clients for other services than S3."""
    text = "\n".join(path.read_text() for path in sources)
    text = re.sub(r"get_paginator\(\"(\w+)\"\)\.paginate", r"\1", text)
    client = (
        r"\b(?:get_client\(\")?(cloudformation|ec2|ecr|ecs|events|iam|logs|secretsmanager|sqs|sts)(?:_client|\"\))?"
    )
    verb = "change|delete|deregister|describe|get|list|receive|register|run|stop|update"
    calls = re.findall(rf"{client}\.((?:{verb})(?:_[a-z]+)+)\(", text)
    return {f"{service}:{''.join(word.title() for word in name.split('_'))}" for service, name in calls}


@pytest.mark.parametrize("role", ROLES)
def test_every_right_is_one_action_on_something_of_this_lake(role: str):
    for statement in policy(role, ACCOUNT)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert [action for action in statement["Action"] if "*" in action] == []
        if statement["Resource"] == ["*"]:
            assert set(statement["Action"]) <= UNLIMITED
        else:
            assert all(re.search("lake|pokelake|prefect-api-key", name) for name in statement["Resource"])


@pytest.mark.parametrize("role", ROLES)
def test_every_policy_is_short_enough_to_be_put_into_a_role(role: str):
    assert len(json.dumps(policy(role, ACCOUNT))) < POLICY_BYTES


@pytest.mark.parametrize("role", ["task", "setup", "deploy", "reader", "operator"])
def test_who_may_read_objects_may_list_them(role: str):
    """To others, S3 says of an object that is not there that it is forbidden."""
    rights = {one["Action"][0]: one for one in policy(role, ACCOUNT)["Statement"]}
    prefixes = rights["s3:ListBucket"]["Condition"]["StringLike"]["s3:prefix"]
    assert rights["s3:GetObject"]["Resource"] == [f"arn:aws:s3:::lake/{prefix}" for prefix in prefixes]


def test_the_worker_may_do_what_prefects_worker_does_but_register_task_definitions():
    """A task is started with tags and two roles, which the names of the calls do not tell."""
    worker = called(Path(prefect_aws.__file__).parent.glob("*/ecs*.py"))
    assert {"ecs:RunTask", "sqs:ReceiveMessage"} <= worker
    never = {"ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition"}
    assert actions(policy("worker", ACCOUNT)) == (worker - never) | {"ecs:TagResource", "iam:PassRole"}


def test_setup_may_do_what_setup_teardown_and_doctor_ask_of_aws():
    asked = called(
        [*map(DEPLOY.joinpath, ("stack.py", "ending.py", "task_definition.py")), *(DEPLOY / "doctor").glob("*.py")]
    )
    assert {"ecs:RegisterTaskDefinition", "sqs:GetQueueAttributes"} <= asked
    given = {action for action in actions(policy("setup", ACCOUNT)) if not action.startswith("s3:")}
    assert given == (asked - ALWAYS) | {"iam:PassRole"}


def test_an_operator_may_do_what_the_flows_and_the_doctor_do_and_what_it_advises():
    advice = (DEPLOY / "doctor" / name for name in ("ecs.py", "pool.py", "service.py"))
    text = "\n".join(path.read_text() for path in advice)
    # To make anew what is gone is for whoever deploys the stack.
    others = {"cloudformation:DeleteStack", "ecs:PutClusterCapacityProviders"}
    advised = {
        f"{service}:{''.join(word.title() for word in name.split('-'))}"
        for service, name in re.findall(r"aws (\w+) ((?:[a-z]+-)+[a-z]+)", text)
    } - others
    assert {"events:EnableRule", "sqs:PurgeQueue", "ecs:UpdateService"} <= advised
    # The log is followed by `aws logs tail`, and read from the console.
    own = {"logs:FilterLogEvents", "logs:GetLogEvents", *advised}
    asked = called((DEPLOY / "doctor").glob("*.py")) - ALWAYS
    wanted = own | asked | actions(policy("task", ACCOUNT)) | {"cloudformation:DescribeStacks"}
    assert actions(policy("operator", ACCOUNT)) == wanted


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Return a function that runs `pokelake iam-policy`: what it prints, or what it says on standard error."""

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit):
            main(["iam-policy", *arguments])
        out, err = capsys.readouterr()
        return json.loads(out) if out else err

    return run


GIVEN = ("--account", "123456789012", "--region", "us-east-1", "--bucket", "lake")


def test_a_stack_says_what_no_flag_says(clients: None, bucket: str, printed: Callable[..., Any]):
    """Above all its folder and its key, without which the policy is for another lake, or for none."""
    complete_moto()
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
    deploy("ours", KmsKey=key, PrefectApiKey="pnu_1", SourceSecrets=SECRET)
    where = read_stack("ours").account()
    assert (where.bucket, where.prefix, where.pool, where.kms_key) == ("ours-lake", "pokelake", "ours", key)
    assert where.source_secrets == (SECRET,)
    for role in ROLES:
        assert printed(role, "--stack", "ours") == policy(role, where)
        assert printed(role, "--stack", "ours", "--trust") == trust(role, where)
    # Also if all but the folder is given.
    other = replace(where, bucket="lake", pool="theirs")
    assert printed("task", "--stack", "ours", *GIVEN, "--work-pool", "theirs") == policy("task", other)


def test_a_stack_that_need_not_be_asked_gives_its_name_to_pool_and_cluster(printed: Callable[..., Any]):
    where = Account("123456789012", "us-east-1", "lake", "deep", "moon", "moon", stack="moon")
    for role in ROLES:
        assert printed(role, "--stack", "moon", *GIVEN, "--prefix", "deep") == policy(role, where)
    assert "moon-ecs-events" in json.dumps(policy("worker", where))


def test_who_may_take_a_role_takes_no_bucket(printed: Callable[..., Any]):
    assert printed("task", "--trust", "--account", "123456789012") == trust("task", ACCOUNT)


def test_what_is_lacking_and_what_is_no_account_is_said(printed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert "pass --account, --region, --bucket, or a stack that says it" in printed("task")
    assert "pass --account, or a stack that says it" in printed("task", "--trust")
    for number in ("nope", "1234", "12345678901x"):
        said = printed("task", "--trust", "--account", number)
        assert f"--account: expected twelve digits, found '{number}'" in said


def test_a_role_is_passed_to_tasks_alone():
    runs = ("execution", "task")
    for role, names in {"worker": runs, "setup": (*runs, "worker")}.items():
        [passing] = [one for one in policy(role, ACCOUNT)["Statement"] if one["Action"] == ["iam:PassRole"]]
        assert passing["Resource"] == [f"arn:aws:iam::123456789012:role/pokelake-{name}" for name in names]
        assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_only_the_secrets_that_are_given_can_be_read():
    [reading] = [one for one in policy("execution", ACCOUNT)["Statement"] if "secretsmanager" in one["Action"][0]]
    assert reading["Resource"] == [SECRET]
    without = policy("execution", Account("123456789012", "eu-central-1", "lake"))
    assert not any(action.startswith("secretsmanager:") for action in actions(without))


def test_the_flows_may_read_the_key_of_their_source_and_no_other_secret():
    ours = Account("123456789012", "eu-central-1", "lake", secrets=(SECRET,), source_secrets=(f"{SECRET}-league",))
    [reading] = [one for one in policy("task", ours)["Statement"] if "secretsmanager" in one["Action"][0]]
    assert (reading["Action"], reading["Resource"]) == (["secretsmanager:GetSecretValue"], [f"{SECRET}-league"])
    assert not any(action.startswith("secretsmanager:") for action in actions(policy("task", ACCOUNT)))


def test_the_names_in_the_policies_are_those_that_setup_gives():
    variables = json.loads((DEPLOY / "ecs_job_template.json").read_text())["variables"]["properties"]
    assert variables["family"]["default"] == iam.STACK
    assert variables["cloudwatch_logs_options"]["default"]["awslogs-group"] == iam.STACK


def test_a_lake_without_a_prefix_has_its_folders_in_the_buckets_root():
    [listing, reading] = policy("reader", Account("123456789012", "eu-central-1", "lake"))["Statement"]
    assert reading["Resource"] == [f"arn:aws:s3:::lake/{folder}/*" for folder in ("commits", "reports", "snapshots")]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["commits/*", "reports/*", "snapshots/*"]}}


def test_a_database_of_glue_is_for_those_alone_who_publish_and_only_if_it_is_named():
    """And who may not run a command by hand deletes none."""
    ours = replace(ACCOUNT, catalog="pokemon")
    glue = {role: {one for one in actions(policy(role, ours)) if one.startswith("glue:")} for role in ROLES}
    source = (REPOSITORY / "lake/catalog/glue.py").read_text()
    asked = {f"glue:{act}" for act in re.findall(r'_translated\("(\w+)"\)', source)}
    assert {role: acts for role, acts in glue.items() if acts} == {
        "task": asked - {"glue:DeleteDatabase"},
        "operator": asked,
    }
    arn = "arn:aws:glue:eu-central-1:123456789012:"
    database = {f"{arn}catalog", f"{arn}database/pokemon"}
    most = database | {f"{arn}{kind}/pokemon/*" for kind in ("table", "userDefinedFunction")}
    for statement in (one for role in ("task", "operator") for one in policy(role, ours)["Statement"]):
        if statement["Action"][0].startswith("glue:"):
            assert database <= set(statement["Resource"]) <= most
    assert not any(action.startswith("glue:") for role in ROLES for action in actions(policy(role, ACCOUNT)))


@pytest.mark.parametrize("role", ["task", "execution", "worker"])
def test_ecs_takes_the_roles_of_tasks_for_this_account_alone(role: str):
    [statement] = trust(role, ACCOUNT)["Statement"]
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize("role", ["setup", "deploy", "reader", "operator"])
def test_people_of_the_account_take_the_other_roles(role: str):
    [statement] = trust(role, ACCOUNT)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}


@pytest.mark.parametrize("document", [policy, trust])
def test_a_role_of_another_name_is_answered_with_those_there_are(document: Any):
    with pytest.raises(UnknownNameError, match="no role 'admin'; there are: task, execution, worker, setup, deploy"):
        document("admin", ACCOUNT)
