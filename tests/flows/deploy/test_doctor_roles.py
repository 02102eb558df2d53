"""`pokelake doctor` on the roles of tasks: one that is gone, or that tasks may not have, and what mends it."""

import json
from typing import Any

import boto3
import pytest

from flows.cli import main
from flows.deploy.doctor.roles import lets_tasks, roles
from flows.deploy.iam import policy, trust
from tests.flows.deploy.cloudformation import complete_moto, deploy
from tests.flows.deploy.on_ecs import ACCOUNT, FARGATE, ROLE, installation, make_roles

POLICY = (
    "pokelake iam-policy {} --account 123456789012 --region us-east-1 --bucket lake --prefix pokelake"
    f" --work-pool {FARGATE} --cluster lake --stack pokelake"
)


@pytest.fixture(autouse=True)
def _empty(clients: None, bucket: str) -> None:
    """Begin with an empty account."""


def test_roles_that_are_there():
    make_roles()
    found = roles(installation())
    assert (found.status, found.found) == ("ok", f"{ROLE}, {ROLE} are in IAM, and tasks may have them")


def test_a_role_that_is_gone_is_made_anew_by_the_commands_that_are_named():
    make_roles()
    found = roles(installation(task_role_arn=f"{ROLE}-task"))
    assert found.found == "the role pokelake-task, which the flows have, is not in IAM, so no task starts"
    create, put, more = found.mend.splitlines()
    printed = POLICY.format("task")
    assert (
        create
        == f'`aws iam create-role --role-name pokelake-task --assume-role-policy-document "$({printed} --trust)"`'
    )
    assert put.endswith(f'--role-name pokelake-task --policy-name pokelake --policy-document "$({printed})"`')
    assert more == (
        "add --kms-key ARN, if a key of yours encrypts the bucket, and --source-secret ARN for each secret with a"
        " source's key"
    )


def test_a_role_of_a_stack_is_made_anew_with_all_rights_that_the_stack_knows():
    complete_moto()
    outputs = deploy("ours")
    boto3.client("iam").delete_role_policy(RoleName="ours-task", PolicyName="pokelake")
    boto3.client("iam").delete_role(RoleName="ours-task")
    found = roles(
        installation(family="ours", task_role_arn=outputs["TaskRole"], execution_role_arn=outputs["ExecutionRole"])
    )
    create, put = found.mend.splitlines()
    assert '"$(pokelake iam-policy task --stack ours --trust)"' in create
    assert '"$(pokelake iam-policy task --stack ours)"' in put


def test_what_the_named_commands_print_is_the_policy_of_this_installation(capsys: pytest.CaptureFixture[str]):
    _, *arguments = POLICY.format("task").split()
    for flags, document in ((["--trust"], trust), ([], policy)):
        with pytest.raises(SystemExit):
            main([*arguments, *flags])
        assert json.loads(capsys.readouterr().out) == document("task", ACCOUNT)


def test_a_secret_is_part_of_the_policy_of_who_starts_tasks():
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-a1b2c3"
    found = roles(installation(prefect_api_key_secret_arn=secret))
    assert f"{POLICY.format('execution')} --secret {secret} --trust" in found.mend


def test_a_role_in_another_path_than_the_pool_names():
    make_roles()
    elsewhere = "arn:aws:iam::123456789012:role/lakes/pokelake"
    found = roles(installation(task_role_arn=elsewhere))
    assert found.found == f"expected the role {elsewhere}, which the flows have, found {ROLE}"
    assert found.mend == f"`pokelake setup --work-pool {FARGATE} --task-role {ROLE}`"
    boto3.client("iam").delete_role(RoleName="pokelake")
    assert "create-role --role-name pokelake --path /lakes/ " in roles(installation(task_role_arn=elsewhere)).mend


def test_a_role_that_tasks_may_not_have():
    make_roles()
    document = json.dumps(trust("setup", ACCOUNT))
    boto3.client("iam").update_assume_role_policy(RoleName="pokelake", PolicyDocument=document)
    found = roles(installation())
    facts, ways = found.found.splitlines(), found.mend.splitlines()
    assert facts[0] == (
        "tasks may not have the role pokelake, which the flows have: its trust policy does not let"
        " ecs-tasks.amazonaws.com take it"
    )
    assert ways[0] == (
        "`aws iam update-assume-role-policy --role-name pokelake --policy-document"
        f' "$({POLICY.format("task")} --trust)"`'
    )


def test_a_pool_that_names_no_role():
    make_roles()
    found = roles(installation(task_role_arn=None))
    assert found.found == "the pool names no task role, which the flows have"
    assert found.mend == f"`pokelake setup --work-pool {FARGATE} --task-role ARN`"


@pytest.mark.parametrize(
    ("changes", "lets"),
    [
        ({}, True),
        ({"Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}}, True),
        ({"Principal": "*", "Condition": {}}, True),
        ({"Effect": "Deny"}, False),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}}, False),
    ],
)
def test_a_trust_policy_is_read_as_aws_reads_it(changes: dict[str, Any], lets: bool):
    [statement] = trust("task", ACCOUNT)["Statement"]
    assert lets_tasks({"Statement": {**statement, **changes}}, "123456789012") is lets
