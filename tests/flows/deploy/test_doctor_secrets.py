"""`pokelake doctor` on the secrets that tasks are started with."""

from typing import Any

import boto3
import pytest

from flows.deploy.doctor.secrets import secrets
from tests.flows.deploy.cloudformation import complete_moto, deploy
from tests.flows.deploy.on_ecs import FARGATE, installation


@pytest.fixture
def manager(clients: None, bucket: str) -> Any:
    """Return a client of an account without secrets."""
    return boto3.client("secretsmanager")


def test_a_pool_without_secrets_needs_none(manager: Any):
    assert secrets(installation()).status == "skipped"


def test_a_secret_is_there_until_somebody_deletes_it(manager: Any):
    arn = manager.create_secret(Name="prefect", SecretString="pnu_1")["ARN"]
    at = installation(prefect_api_key_secret_arn=arn)
    assert secrets(at).status == "ok"
    manager.delete_secret(SecretId=arn)
    found = secrets(at)
    assert found.found == f"the secret {arn} is marked for deletion, so no task starts"
    assert found.mend == f"`aws secretsmanager restore-secret --secret-id {arn}`"


def test_a_secret_that_is_gone(manager: Any):
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-a1b2c3"
    found = secrets(installation(prefect_api_auth_string_secret_arn=arn))
    assert found.found == f"there is no secret {arn}, so no task starts"
    make, allow, setup = found.mend.splitlines()
    assert make == (
        '`aws secretsmanager create-secret --name pokelake-prefect --secret-string "$PREFECT_API_AUTH_STRING"`'
    )
    # The new one has another ARN.
    assert allow == (
        "let the role pokelake read the ARN that it says: `pokelake iam-policy execution --secret ARN` prints its"
        " policy"
    )
    assert setup == (
        f"`pokelake setup --work-pool {FARGATE} --prefect-auth-string-secret ARN`, and give the worker the ARN"
    )


def test_a_secret_of_the_stack_that_is_gone_is_forgotten_by_the_stack_and_made_by_it_anew(manager: Any):
    """To update one that is gone fails, and an unchanged template is nothing to deploy."""
    complete_moto()
    arn = deploy("ours", PrefectApiKey="pnu_1")["ApiKeySecret"]
    manager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    found = secrets(installation(prefect_api_key_secret_arn=arn, family="ours"))
    deploys, setup = found.mend.splitlines()
    assert deploys.index("PrefectApiKey= PrefectAuthString=`") < deploys.index('"PrefectApiKey=$PREFECT_API_KEY"`')
    assert setup == f"`pokelake setup --stack ours --work-pool {FARGATE}`, which tells tasks and worker its ARN"
