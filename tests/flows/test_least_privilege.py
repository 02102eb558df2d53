"""Everything that is done to the lake, done under the printed policies: they suffice, and hold nothing in vain.

moto asks for the action and the object's name only. The rest of a policy, its conditions, and what S3 asks besides, is
judged here, on the requests that were made.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import httpx
import pandas as pd
import pytest
from botocore.client import BaseClient
from prefect_aws.credentials import _get_client_cached

from flows.deploy.code import Code, push
from flows.deploy.iam import Account, policy
from flows.deploy.pulled import pull
from flows.discover import discover
from flows.local.replica import Running
from flows.maintain import maintain
from flows.report import report
from flows.restore import restore
from flows.steps import parameters
from flows.steps.catalog import VARIABLE
from flows.steps.outcome import spoken
from flows.steps.parameters import SourceChoice
from flows.verify import verify
from lake import Lake, layout
from lake.commit import read_commit
from lake.errors import ConflictError, StoreError
from lake.layout import CHECKS, CODE, COMMITS, HELD, REPORTS, RESULTS, SNAPSHOTS, STAGING
from lake.publish.garbage import GRACE, find_garbage, remove
from lake.report.keep import keep
from lake.store import Store
from tests.flows.conftest import LOCATION, Refresh
from tests.flows.lakeside import current
from tests.lake.catalog import snapshots_of
from tests.lake.publish.killing import OLD
from tests.lake.publish.littering import age, put
from tests.lake.read import FIRST, SECOND, document, moves, publish

ACCOUNT = Account("123456789012", "us-east-1", "lake", "pokelake", catalog="pokemon")
FOLDERS = (CHECKS, CODE, COMMITS, HELD, REPORTS, RESULTS, SNAPSHOTS, STAGING)
FEW = ("generation", "type")
CATALOG, FUNCTION = "pokemon", "userDefinedFunction"

# Whoever asks moto without HTTP is asked for no rights where requests are plain.
pytestmark = pytest.mark.usefixtures("over_http")


@dataclass(frozen=True)
class Request:
    """What S3 or Glue asks of a policy before it answers: an action, on what, and with which facts about it."""

    action: str
    resource: str
    facts: tuple[tuple[str, str], ...] = ()


def asked_by_glue(operation: str, given: dict[str, Any]) -> Iterator[Request]:
    """Yield what Glue asks of a policy for one call of boto3: the right to all that the thing lies in."""
    glue = f"arn:aws:glue:{ACCOUNT.region}:{ACCOUNT.number}"
    database = given.get("DatabaseName") or given.get("Name") or given["DatabaseInput"]["Name"]
    yield Request(f"glue:{operation}", f"{glue}:catalog")
    yield Request(f"glue:{operation}", f"{glue}:database/{database}")
    if "Table" in operation:
        table = given["TableInput"]["Name"] if "TableInput" in given else given.get("Name", "any")
        yield Request(f"glue:{operation}", f"{glue}:table/{database}/{table}")
    if operation == "DeleteDatabase":
        yield from (Request(f"glue:{operation}", f"{glue}:{kind}/{database}/any") for kind in ("table", FUNCTION))


def asked(operation: str, given: dict[str, Any]) -> Iterator[Request]:
    """Yield what S3 asks of a policy for one call of boto3."""
    bucket = f"arn:aws:s3:::{given['Bucket']}"
    if operation == "ListObjectsV2":
        yield Request("s3:ListBucket", bucket, (("s3:prefix", given["Prefix"]),))
    elif operation in ("GetObject", "HeadObject"):
        yield Request("s3:GetObject", f"{bucket}/{given['Key']}")
        # That there is no such object, S3 says only to who may list it.
        yield Request("s3:ListBucket", bucket, (("s3:prefix", given["Key"]),))
    elif operation == "PutObject":
        yield Request("s3:PutObject", f"{bucket}/{given['Key']}", (("s3:if-none-match", given.get("IfNoneMatch", "")),))
    elif operation == "CopyObject":
        source = given["CopySource"]
        yield Request("s3:GetObject", f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")
        yield Request("s3:PutObject", f"{bucket}/{given['Key']}", (("s3:if-none-match", given.get("IfNoneMatch", "")),))
    elif operation == "DeleteObjects":
        for item in given["Delete"]["Objects"]:
            yield Request("s3:DeleteObject", f"{bucket}/{item['Key']}")
    else:
        # Refused or not, S3's answer says which region the bucket is in, and nothing else is asked.
        assert operation == "HeadBucket", f"{operation}: no policy was made for it"


def granted(document: dict[str, Any], request: Request) -> set[tuple[str, str]]:
    """Return the rights of a policy that allow a request: each an action, and the pattern that matched."""
    facts, found = dict(request.facts), set()
    for statement in document["Statement"]:
        condition = statement.get("Condition", {})
        if request.action not in statement["Action"] or ("Null" in condition and not facts["s3:if-none-match"]):
            continue
        prefixes = condition.get("StringLike", {}).get("s3:prefix")
        patterns, value = (prefixes, facts["s3:prefix"]) if prefixes else (statement["Resource"], request.resource)
        found |= {(request.action, pattern) for pattern in patterns if fnmatchcase(value, pattern)}
    return found


def rights(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return every right that a policy gives in S3 and in Glue."""
    found = set()
    for statement in document["Statement"]:
        patterns = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", statement["Resource"])
        judged = [action for action in statement["Action"] if action.startswith(("s3:", "glue:"))]
        found |= {(action, pattern) for action in judged for pattern in patterns}
    return found


@pytest.fixture
def requests(bucket: str, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Return a list that what S3 and Glue are asked for is added to."""
    noted: list[Request] = []
    call = BaseClient._make_api_call

    def note(client: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        ask = {"s3": asked, "glue": asked_by_glue}.get(client.meta.service_model.service_name)
        noted.extend(ask(operation, given) if ask else ())
        return call(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    return noted


@pytest.fixture
def act_as(bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function after which everything is done by a user who has one role's policy and nothing else."""
    # What boto3 knows of AWS takes a fifth of a second to load.
    loader = boto3.DEFAULT_SESSION._session.get_component("data_loader")
    iam = boto3.client("iam")

    def enforce(after_requests: float) -> None:
        httpx.post(f"{s3_endpoint}/moto-api/reset-auth", content=str(after_requests)).raise_for_status()
        # All of them keep clients, and those their keys.
        fresh = botocore.session.get_session()
        fresh.register_component("data_loader", loader)
        boto3.setup_default_session(botocore_session=fresh)
        parameters._opened.cache_clear()
        _get_client_cached.cache_clear()

    def act(role: str) -> None:
        enforce(float("inf"))
        document = policy(role, ACCOUNT)
        if any(action == "s3:DeleteObject" for action, _ in rights(document)):
            # S3 asks for each key of a request that deletes several; moto, for the bucket.
            document["Statement"].append(
                {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::lake"}
            )
        if glue := sorted({action for action, _ in rights(document) if action.startswith("glue:")}):
            # Moto knows no resources of Glue.
            document["Statement"].append({"Effect": "Allow", "Action": glue, "Resource": "*"})
        iam.create_user(UserName=role)
        iam.put_user_policy(UserName=role, PolicyName=role, PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=role)["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        enforce(0)

    yield act
    enforce(float("inf"))


def test_the_policy_of_the_flows_is_what_runs_need_and_nothing_else(
    act_as: Callable[[str], None],
    requests: list[Request],
    run_refresh: Refresh,
    running: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """From pulling the code to forgetting a snapshot; a right that none of it uses is one too many."""
    code = Code({"flows/refresh.py": b"1"})
    push(Store("lake", "pokelake"), code)
    act_as("task")
    monkeypatch.setenv(VARIABLE, CATALOG)
    requests.clear()
    pull(tmp_path, "lake", f"pokelake/{code.folder}", code.version, code.sha256, "ecs")
    states = [
        run_refresh(resources=("generation",)),
        discover(LOCATION, SourceChoice(base_url=running.url, resources=FEW), return_state=True),
        run_refresh(resources=FEW),
        run_refresh(resources=FEW),
        report(LOCATION, return_state=True),
    ]
    assert [spoken(state)[0] for state in states] == ["Completed", "Completed", "Unchanged", "Unchanged", "Completed"]
    store = Store("lake", "pokelake")
    # Of two reports at once, one finds the page of the other.
    assert not keep(store, current(store).snapshot, b"another page")
    assert verify(LOCATION, every=True, return_state=True).is_completed()
    assert restore(read_commit(store, 1).snapshot, "a try", lake=LOCATION, return_state=True).is_completed()
    assert set(snapshots_of(CATALOG).values()) == {read_commit(store, 3).snapshot}
    put(
        store,
        f"{STAGING}0123456789abcdef/item-0001",
        f"{RESULTS}listings/1",
        layout.check_key(OLD, "1"),
        layout.draft_key(OLD),
    )
    age(store, "", 2 * GRACE)
    assert maintain(LOCATION, expire_days=1, return_state=True).name == "Completed"
    age(store, "", 2 * GRACE)
    remove(store, find_garbage(store, GRACE, set()))
    document = policy("task", ACCOUNT)
    assert [request for request in requests if not granted(document, request)] == []
    assert {right for request in requests for right in granted(document, request)} == rights(document)


def test_the_policy_of_who_deploys_is_what_a_push_needs_and_nothing_else(
    act_as: Callable[[str], None], requests: list[Request]
):
    act_as("deploy")
    store, code = Store("lake", "pokelake"), Code({"flows/refresh.py": b"1"})
    push(store, code)
    other = replace(code, files={"flows/refresh.py": b"2"})
    with pytest.raises(ConflictError):
        store.create(f"{code.folder}{layout.CODE_ARCHIVE}", other.archive)
    document = policy("deploy", ACCOUNT)
    assert [request for request in requests if not granted(document, request)] == []
    assert {right for request in requests for right in granted(document, request)} == rights(document)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("task", {CHECKS, COMMITS, HELD, REPORTS, RESULTS, SNAPSHOTS, STAGING}),
        ("setup", {RESULTS, STAGING}),
        ("deploy", {CODE}),
        ("reader", set()),
        ("operator", {CHECKS, COMMITS, HELD, REPORTS, RESULTS, SNAPSHOTS, STAGING}),
    ],
)
def test_a_role_writes_in_its_folders_of_the_lake_alone(act_as: Callable[[str], None], role: str, expected: set[str]):
    """Neither is the bucket's root the lake's, nor a prefix that begins with its name."""
    act_as(role)
    whole = Store("lake")
    places = [f"{prefix}{folder}" for prefix in ("pokelake/", "pokelake-2/", "") for folder in FOLDERS]
    may = {place for place in places if may_create(whole, f"{place}1")}
    assert may == {f"pokelake/{folder}" for folder in expected}


def may_create(whole: Store, key: str) -> bool:
    try:
        whole.create(key, b"1")
    except StoreError as error:
        refusal = str(error)
    else:
        return True
    assert "S3 refused the request (AccessDenied); check the credentials and their policy" in refusal
    return False


def test_the_policy_of_readers_is_enough_for_every_way_to_read(act_as: Callable[[str], None], requests: list[Request]):
    publish(Store("lake", "pokelake"), FIRST, [moves((1, 1, 40))], [document("type", 1, '{"id": 1}')])
    publish(Store("lake", "pokelake"), SECOND, [moves((1, 1, 45))], [document("type", 1, '{"id": 1}')])
    act_as("reader")
    requests.clear()
    lake = Lake("s3://lake/pokelake")
    assert len(lake.snapshots()) == 2
    assert lake.read("moves")["power"].tolist() == [45]
    assert lake.sql("select power from moves")["power"].tolist() == [45]
    assert lake.diff("moves", FIRST, SECOND)["power_before"].tolist() == [40]
    assert lake.document("type", 1) == b'{"id": 1}'
    assert pd.read_parquet(lake.path("moves"))["power"].tolist() == [45]
    assert [request for request in requests if not granted(policy("reader", ACCOUNT), request)] == []


def test_a_reader_cannot_list_what_is_not_for_readers(act_as: Callable[[str], None], requests: list[Request]):
    """Which moto would let it."""
    list(Store("lake", "pokelake").list(STAGING))
    list(Store("lake", "").list(""))
    assert [granted(policy("reader", ACCOUNT), request) for request in requests] == [set(), set()]


def test_nobody_but_prefect_may_overwrite(requests: list[Request]):
    """Which moto would let them, too."""
    client = boto3.client("s3")
    for folder in FOLDERS:
        client.put_object(Bucket="lake", Key=f"pokelake/{folder}1", Body=b"1")
    for role in ("task", "setup", "deploy", "operator"):
        allowed = {request.resource for request in requests if granted(policy(role, ACCOUNT), request)}
        assert allowed <= {f"arn:aws:s3:::lake/pokelake/{RESULTS}1"}, role
