"""The question about the secrets that tasks are started with: ECS starts no task whose secret is gone."""

from flows.deploy.doctor.check import Verdict, judge, skipped
from flows.deploy.doctor.installation import Installation

# What the pool calls each secret; its flag of `pokelake setup`, and the variable that it is read into.
_SECRETS = {
    "prefect_api_key_secret_arn": ("--prefect-api-key-secret", "PREFECT_API_KEY"),
    "prefect_api_auth_string_secret_arn": ("--prefect-auth-string-secret", "PREFECT_API_AUTH_STRING"),
}


def secrets(at: Installation) -> Verdict:
    """Is each secret that the pool names in AWS Secrets Manager?"""
    named = {name: at.variables()[name] for name in _SECRETS if name in at.variables()}
    if not named:
        return skipped("not needed: tasks are started without one")
    secretsmanager, wrong = at.credentials.get_client("secretsmanager"), []
    for name, arn in named.items():
        flag, variable = _SECRETS[name]
        try:
            found = secretsmanager.describe_secret(SecretId=arn)
        except secretsmanager.exceptions.ResourceNotFoundException:
            wrong.append((f"there is no secret {arn}, so no task starts", _make(at, arn, flag, variable)))
            continue
        if found.get("DeletedDate"):
            way = f"`aws secretsmanager restore-secret --secret-id {arn}`"
            wrong.append((f"the secret {arn} is marked for deletion, so no task starts", way))
    return judge(wrong, f"{', '.join(named.values())} can be read into the tasks' environment")


def _make(at: Installation, arn: str, flag: str, variable: str) -> str:
    """Return the way to another secret, which has another ARN: tasks name that, and roles have rights on it alone."""
    if at.stack and f":secret:{at.stack.name}-prefect-" in arn:
        parameter = {"PREFECT_API_KEY": "PrefectApiKey"}.get(variable, "PrefectAuthString")
        deploy = (
            f"`aws cloudformation deploy --stack-name {at.stack.name} --template-file flows/deploy/stack.yaml"
            " --capabilities CAPABILITY_NAMED_IAM --parameter-overrides"
        )
        return (
            f'{deploy} PrefectApiKey= PrefectAuthString=`, then {deploy} "{parameter}=${variable}"`: the stack forgets'
            f" the secret, and makes another one, with the rights to read it\n`pokelake setup --stack {at.stack.name}"
            f" --work-pool {at.pool_name}`, which tells tasks and worker its ARN"
        )
    execution = at.variables().get("execution_role_arn", "ROLE").rpartition("/")[2]
    return (
        f'`aws secretsmanager create-secret --name pokelake-prefect --secret-string "${variable}"`\n'
        f"let the role {execution} read the ARN that it says: `pokelake iam-policy execution --secret ARN` prints its"
        f" policy\n`pokelake setup{at.names.flags} --work-pool {at.pool_name} {flag} ARN`, and give the worker the ARN"
    )
