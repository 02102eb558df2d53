"""The question about the roles of tasks: are they in IAM, and may ECS take them?"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from flows.deploy.doctor.check import Verdict, judge
from flows.deploy.doctor.installation import Installation

# What the pool calls each role, and what the role is for.
_ROLES = {
    "task": ("task_role_arn", "which the flows have"),
    "execution": ("execution_role_arn", "which ECS starts tasks with"),
}

_ECS = "ecs-tasks.amazonaws.com"


def roles(at: Installation) -> Verdict:
    """Is each role that the pool names in IAM, and may tasks have it?"""
    given = {kind: at.variables().get(variable, "") for kind, (variable, _) in _ROLES.items()}
    wrong = [flaw for kind, arn in given.items() for flaw in _flaws(at, kind, arn)]
    return judge(wrong, f"{', '.join(given.values())} are in IAM, and tasks may have them")


def _flaws(at: Installation, kind: str, arn: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a role, with the way to mend it."""
    name, purpose = arn.rpartition("/")[2], _ROLES[kind][1]
    setup = f"`pokelake setup{at.names.flags} --work-pool {at.pool_name} --{kind}-role"
    if not arn:
        yield f"the pool names no {kind} role, {purpose}", f"{setup} ARN`"
        return
    iam = at.credentials.get_client("iam")
    try:
        found = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        yield f"the role {name}, {purpose}, is not in IAM, so no task starts", "\n".join(_make(at, kind, arn))
        return
    if found["Arn"] != arn:
        yield f"expected the role {arn}, {purpose}, found {found['Arn']}", f"{setup} {found['Arn']}`"
    if not lets_tasks(found["AssumeRolePolicyDocument"], arn.split(":")[4]):
        trust = f'--policy-document "$({_policy(at, kind, arn)} --trust)"'
        yield (
            f"tasks may not have the role {name}, {purpose}: its trust policy does not let {_ECS} take it",
            f"`aws iam update-assume-role-policy --role-name {name} {trust}`",
        )


def _make(at: Installation, kind: str, arn: str) -> Iterator[str]:
    """Yield the commands that make a role anew, under its old ARN."""
    path, _, name = arn.partition(":role")[2].rpartition("/")
    named = f"--role-name {name}" + (f" --path {path}/" if path else "")
    policy = _policy(at, kind, arn)
    yield f'`aws iam create-role {named} --assume-role-policy-document "$({policy} --trust)"`'
    yield f'`aws iam put-role-policy --role-name {name} --policy-name pokelake --policy-document "$({policy})"`'
    if not at.stack:
        more = "--kms-key ARN, if a key of yours encrypts the bucket"
        sources = ", and --source-secret ARN for each secret with a source's key" if kind == "task" else ""
        yield f"add {more}{sources}"


def _policy(at: Installation, kind: str, arn: str) -> str:
    """Return the command that prints the policy of a role of this installation."""
    if at.stack:
        # Which also knows the key of the bucket and the secrets of sources.
        return shlex.join(["pokelake", "iam-policy", kind, "--stack", at.stack.name])
    variables, ecs = at.variables(), at.credentials.get_client("ecs")
    secrets = [variables.get(f"prefect_api_{name}_secret_arn") for name in ("key", "auth_string")]
    given = {
        "account": [arn.split(":")[4]],
        "region": [ecs.meta.region_name],
        "bucket": [at.store.bucket],
        "prefix": [at.store.prefix.rstrip("/")],
        "work-pool": [at.pool_name],
        "cluster": [variables.get("cluster", "default").rpartition("/")[2]],
        "stack": [variables["family"]],
        "secret": [secret for secret in secrets if secret],
    }
    flags = [part for name, values in given.items() for value in values for part in (f"--{name}", value)]
    return shlex.join(["pokelake", "iam-policy", kind, *flags])


def lets_tasks(trust: Mapping[str, Any], account: str) -> bool:
    """Tell whether a trust policy lets the tasks of an account take the role."""
    return any(_lets(statement, account) for statement in _listed(trust.get("Statement")))


def _lets(statement: Mapping[str, Any], account: str) -> bool:
    principal = statement.get("Principal", {})
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else [principal]
    accounts = _listed(statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount"))
    return (
        statement.get("Effect") == "Allow"
        and not {"sts:AssumeRole", "sts:*", "*"}.isdisjoint(_listed(statement.get("Action")))
        and not {_ECS, "*"}.isdisjoint(services)
        and (not accounts or account in accounts)
    )


def _listed(value: Any) -> list[Any]:
    """Return what stands in a policy alone or in a list as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
