"""Policies of AWS roles: each allows the acts that its role needs for the lake, and no others."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flows.deploy.account import STACK as STACK
from flows.deploy.account import Account as Account
from lake.errors import UnknownNameError
from lake.layout import CHECKS, CODE, COMMITS, HELD, REPORTS, RESULTS, SNAPSHOTS, STAGING

Statement = dict[str, Any]

# Objects in the lake are created and never overwritten, except Prefect's results, which Prefect itself writes.
_READ = ("list", "get")
_CREATE = (*_READ, "create", "delete")
_WRITE = (*_READ, "put", "delete")
# A run may not add code. It deletes commits only if `maintain` is told to forget old ones.
_TASK = {
    COMMITS: _CREATE,
    SNAPSHOTS: _CREATE,
    STAGING: _CREATE,
    CHECKS: _CREATE,
    HELD: _CREATE,
    REPORTS: _CREATE,
    RESULTS: _WRITE,
    CODE: (*_READ, "delete"),
}
_SETUP = {STAGING: _CREATE, RESULTS: _WRITE, CODE: _READ}
_DEPLOY = {CODE: (*_READ, "create")}
_READER = {COMMITS: _READ, SNAPSHOTS: _READ, REPORTS: _READ}

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


def policy(role: str, account: Account) -> dict[str, Any]:
    """Return the policy of a role.

    ``task`` is for the flows, ``execution`` for ECS while it starts them, ``worker`` for Prefect's worker, ``setup``
    for `pokelake setup`, `teardown` and `doctor`, ``deploy`` for `docker push` and `prefect deploy`, ``reader`` for
    readers of tables, and ``operator`` for all that is done day to day: it has the rights of the flows and the doctor.

    Raises:
        UnknownNameError: No such role.
    """
    if role not in _ROLES:
        raise UnknownNameError("role", role, _ROLES)
    return _document(_ROLES[role](account))


def trust(role: str, account: Account) -> dict[str, Any]:
    """Return the trust policy of a role: tasks that ECS starts in this account may take it, or users of the account.

    Raises:
        UnknownNameError: No such role.
    """
    if role not in _ROLES:
        raise UnknownNameError("role", role, _ROLES)
    statement: Statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    if role in ("task", "execution", "worker"):
        statement["Principal"] = {"Service": "ecs-tasks.amazonaws.com"}
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account.number}}
    else:
        statement["Principal"] = {"AWS": account.global_arn("root")}
    return _document([statement])


def _document(statements: Iterable[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: Collection[str], resources: Collection[str] = ("*",), **condition: Any) -> Statement:
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
    return {**statement, "Condition": condition} if condition else statement


def _in_lake(account: Account, rights: Mapping[str, Collection[str]]) -> list[Statement]:
    """Return the statements that give some rights on each of these folders of the lake."""
    prefix = f"{account.prefix.strip('/')}/".removeprefix("/")
    bucket = f"arn:aws:s3:::{account.bucket}"

    def keys(right: str) -> list[str]:
        return [f"{prefix}{folder}*" for folder, allowed in rights.items() if right in allowed]

    def objects(right: str) -> list[str]:
        return [f"{bucket}/{key}" for key in keys(right)]

    statements = [
        # S3 says that an object is not there only to those who may list its key as a prefix.
        _allow(["s3:ListBucket"], [bucket], StringLike={"s3:prefix": sorted(keys("list"))}),
        _allow(["s3:GetObject"], objects("get")),
        # Only with the header If-None-Match, so nothing is overwritten.
        _allow(["s3:PutObject"], objects("create"), Null={"s3:if-none-match": "false"}),
        _allow(["s3:PutObject"], objects("put")),
        _allow(["s3:DeleteObject"], objects("delete")),
    ]
    if account.kms_key:
        writes = {"create", "put"} & {right for allowed in rights.values() for right in allowed}
        statements.append(_allow(["kms:Decrypt", *(["kms:GenerateDataKey"] if writes else [])], [account.kms_key]))
    return [statement for statement in statements if statement["Resource"]]


def _task(account: Account) -> list[Statement]:
    return [*_in_lake(account, _TASK), *_read_secrets(account.source_secrets), *_register(account)]


def _register(account: Account) -> list[Statement]:
    """Return the rights to have a database of Glue show the lake, if there is one."""
    if not account.catalog:
        return []
    catalog, database, tables = _of_glue(account, "catalog", "database", "table")
    acts = ("CreateTable", "DeleteTable", "GetTables", "UpdateTable")
    return [
        _allow(["glue:CreateDatabase", "glue:GetDatabase"], [catalog, database]),
        _allow([f"glue:{act}" for act in acts], [catalog, database, tables]),
    ]


def _drop(account: Account) -> list[Statement]:
    """Return the right to delete that database; Glue gives it to whoever has it for all that can be in one."""
    if not account.catalog:
        return []
    return [_allow(["glue:DeleteDatabase"], _of_glue(account, "catalog", "database", "table", "userDefinedFunction"))]


def _of_glue(account: Account, *kinds: str) -> list[str]:
    database = account.catalog
    names = {"catalog": "catalog", "database": f"database/{database}"}
    return [account.arn("glue", names.get(kind, f"{kind}/{database}/*")) for kind in kinds]


def _execution(account: Account) -> list[Statement]:
    logs = account.arn("logs", f"log-group:{account.stack}")
    return [
        _allow(["ecr:GetAuthorizationToken"]),
        _allow(_PULL, [_images(account)]),
        _allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs, f"{logs}:*"]),
        *_read_secrets(account.secrets),
    ]


def _read_secrets(arns: Collection[str]) -> list[Statement]:
    return [_allow(["secretsmanager:GetSecretValue"], arns)] if arns else []


def _worker(account: Account) -> list[Statement]:
    tasks = account.arn("ecs", f"task/{account.cluster}/*")
    receive = ("GetQueueUrl", "ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage")
    return [
        _allow(
            ["ecs:RunTask"],
            [account.arn("ecs", f"task-definition/{account.stack}:*")],
            ArnEquals={"ecs:cluster": account.arn("ecs", f"cluster/{account.cluster}")},
        ),
        # A task is started with tags that say whose run it is.
        _allow(["ecs:TagResource"], [tasks], StringEquals={"ecs:CreateAction": "RunTask"}),
        _allow(["ecs:DescribeTasks", "ecs:StopTask"], [tasks]),
        # None of these can be limited to something.
        _allow(["ecs:DescribeTaskDefinition", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]),
        _pass_roles(account, "execution", "task"),
        _allow([f"sqs:{action}" for action in receive], [account.arn("sqs", f"{account.pool}-ecs-events")]),
        # The last lines of a task that crashed are shown with its run.
        _allow(["logs:GetLogEvents"], [account.arn("logs", f"log-group:{account.stack}:log-stream:*")]),
    ]


def _setup(account: Account) -> list[Statement]:
    definitions = [account.arn("ecs", f"task-definition/{account.stack}{kind}:*") for kind in ("", "-worker")]
    register = ("DescribeTaskDefinition", "RegisterTaskDefinition", "ListTaskDefinitions", "DeregisterTaskDefinition")
    return [
        *_in_lake(account, _SETUP),
        _describe_stack(account),
        # None of these can be limited to something.
        _allow([f"ecs:{action}" for action in register]),
        _allow(["ecs:DeleteTaskDefinitions"], definitions),
        _allow(["ecs:UpdateService"], [_worker_service(account)]),
        _pass_roles(account, "execution", "task", "worker"),
        *_look(account),
        *_look_at_events(account),
    ]


def _look_at_events(account: Account) -> list[Statement]:
    return [
        _allow(["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], _queues(account)),
        _allow(["events:DescribeRule", "events:ListRuleNamesByTarget"]),
    ]


def _look(account: Account) -> list[Statement]:
    """Return the rights to what `pokelake doctor` looks at, besides the queues and the task definition."""
    cluster = account.arn("ecs", f"cluster/{account.cluster}")
    return [
        _allow(["ecr:DescribeImages"], [_images(account)]),
        _allow(["ecs:DescribeClusters"], [cluster]),
        _allow(["ecs:DescribeServices"], [_worker_service(account)]),
        _allow(["ecs:DescribeTasks"], [account.arn("ecs", f"task/{account.cluster}/*")]),
        _allow(["ecs:ListTasks"], ArnEquals={"ecs:cluster": cluster}),
        _allow(["iam:GetRole"], _roles(account, "execution", "task")),
        # None of these can be limited to something.
        _allow(["ec2:DescribeRouteTables", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]),
        *([_allow(["secretsmanager:DescribeSecret"], account.secrets)] if account.secrets else []),
    ]


def _operator(account: Account) -> list[Statement]:
    """Return the rights of who runs flows on a terminal, decides, asks the doctor, and does what it advises."""
    logs = account.arn("logs", f"log-group:{account.stack}")
    return [
        *_in_lake(account, _TASK),
        *_read_secrets(account.source_secrets),
        *_register(account),
        *_drop(account),
        _describe_stack(account),
        *_look(account),
        _allow(["ecs:DescribeTaskDefinition"]),
        _allow(["ecs:UpdateService"], [_worker_service(account)]),
        _allow(["logs:FilterLogEvents", "logs:GetLogEvents"], [logs, f"{logs}:*"]),
        *_look_at_events(account),
        _allow(["sqs:PurgeQueue", "sqs:ReceiveMessage"], _queues(account)),
        _allow(["events:EnableRule"], [account.arn("events", f"rule/{account.stack}-ecs-task-events")]),
    ]


def _deploy(account: Account) -> list[Statement]:
    return [
        *_in_lake(account, _DEPLOY),
        _describe_stack(account),
        _allow(["ecr:GetAuthorizationToken"]),
        _allow([*_PULL, *_PUSH], [_images(account)]),
    ]


def _reader(account: Account) -> list[Statement]:
    return _in_lake(account, _READER)


def _describe_stack(account: Account) -> Statement:
    return _allow(["cloudformation:DescribeStacks"], [account.arn("cloudformation", f"stack/{account.stack}/*")])


def _worker_service(account: Account) -> str:
    return account.arn("ecs", f"service/{account.cluster}/{account.stack}-worker")


def _queues(account: Account) -> list[str]:
    return [account.arn("sqs", f"{account.pool}-ecs-events{kind}") for kind in ("", "-dlq")]


def _images(account: Account) -> str:
    return account.arn("ecr", f"repository/{account.stack}")


def _roles(account: Account, *names: str) -> list[str]:
    return [account.global_arn(f"role/{account.stack}-{name}") for name in names]


def _pass_roles(account: Account, *names: str) -> Statement:
    return _allow(
        ["iam:PassRole"], _roles(account, *names), StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    )


_ROLES = {
    "task": _task,
    "execution": _execution,
    "worker": _worker,
    "setup": _setup,
    "deploy": _deploy,
    "reader": _reader,
    "operator": _operator,
}

ROLES = tuple(_ROLES)
