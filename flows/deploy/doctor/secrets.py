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
            make = f'`aws secretsmanager create-secret --name pokelake-prefect --secret-string "${variable}"`'
            setup = f"`pokelake setup{at.names.flags} --work-pool {at.pool_name} {flag} ARN`, with the ARN that it says"
            wrong.append((f"there is no secret {arn}, so no task starts", f"{make}\n{setup}"))
            continue
        if found.get("DeletedDate"):
            way = f"`aws secretsmanager restore-secret --secret-id {arn}`"
            wrong.append((f"the secret {arn} is marked for deletion, so no task starts", way))
    return judge(wrong, f"{', '.join(named.values())} can be read into the tasks' environment")
