"""How a check is read: one thing on a line, no command broken; and what the doctor says where it may not look."""

from collections.abc import Iterator

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from flows.deploy.doctor.check import Check, asked
from flows.deploy.doctor.denied import lacking_right
from flows.deploy.doctor.roles import roles
from tests.flows.deploy.on_ecs import installation, make_roles

COMMAND = "`prefect api POST /flow_runs/0e1a7c30-6bd1-4a55-8c3b-0c9a5a4a4b53/set_state --data '{\"force\": true}'`"


def test_a_check_is_read_in_two_lines():
    check = Check("worker", "failed", "none is online", "`prefect worker start`")
    assert check.lines() == ["failed   worker: none is online", "         to mend it: `prefect worker start`"]
    assert Check("worker", "ok", "1 online").lines() == ["ok       worker: 1 online"]


def test_each_fact_and_each_step_has_a_line():
    check = Check("slots", "failed", "one is dead\nanother is", "`one`\n`another`")
    assert check.lines(80) == [
        "failed   slots: one is dead",
        "         another is",
        "         to mend it: `one`",
        "           `another`",
    ]


def test_in_a_narrow_terminal_words_are_wrapped_and_commands_are_not():
    words = "none of 3 workers is online, the last was heard at 2026-11-27 04:20 UTC, so no run is started"
    check = Check("worker", "failed", words, f"{COMMAND}, and wait\n{COMMAND}")
    assert check.lines(80) == [
        "failed   worker: none of 3 workers is online, the last was heard at 2026-11-27",
        "           04:20 UTC, so no run is started",
        "         to mend it:",
        f"           {COMMAND},",
        "           and wait",
        f"           {COMMAND}",
    ]


def refused(code: str, message: str, operation: str = "DescribeRouteTables") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "right"),
    [
        (refused("AccessDenied", "User: oak is not authorized to perform: iam:GetRole on resource: x"), "iam:GetRole"),
        (refused("AccessDeniedException", "no"), "DescribeRouteTables"),
        (refused("AccessDeniedException", "no", "DescribeClusters"), "ecs:DescribeClusters"),
        (refused("UnauthorizedOperation", "no", "Unheard"), "Unheard"),
        (refused("ThrottlingException", "slower"), None),
    ],
)
def test_a_refusal_names_the_right(error: ClientError, right: str | None):
    found = lacking_right(error)
    assert found == right or (right and found and found.endswith(f":{right}"))


@pytest.fixture
def as_nobody(clients: None, bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ask as a user who may do nothing."""
    from prefect_aws.credentials import _get_client_cached

    def enforce(after_requests: float) -> None:
        httpx.post(f"{s3_endpoint}/moto-api/reset-auth", content=str(after_requests)).raise_for_status()
        _get_client_cached.cache_clear()

    make_roles()
    iam = boto3.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    boto3.setup_default_session()
    enforce(0)
    yield
    enforce(float("inf"))
    monkeypatch.undo()
    boto3.setup_default_session()


def test_a_doctor_that_may_not_look_says_which_right_it_lacks(as_nobody: None):
    found = asked(roles, installation(), "look")
    assert (found.status, found.found) == ("failed", "not known, because whoever asks lacks the right iam:GetRole")
    assert found.mend == "give it to whoever runs the doctor: `pokelake iam-policy setup` prints the policy"
