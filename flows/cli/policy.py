"""The command that prints what a role of AWS may do, of a stack or of what its flags say."""

import json
from typing import Annotated

import typer

from flows.cli.settings import prepare_prefect
from lake.cli.options import bucket_option
from lake.cli.say import say_json

app = typer.Typer()


@app.command()
def iam_policy(
    role: Annotated[str, typer.Argument(help="One of task, execution, worker, setup, deploy, reader and operator.")],
    account: Annotated[str | None, typer.Option(help="The AWS account's twelve digits.")] = None,
    region: Annotated[str | None, typer.Option(envvar="AWS_DEFAULT_REGION", help="Region of cluster and pool.")] = None,
    bucket: Annotated[str | None, bucket_option()] = None,
    prefix: Annotated[str | None, typer.Option(envvar="POKELAKE_PREFIX", help="Folder of the lake there.")] = None,
    work_pool: Annotated[str | None, typer.Option(envvar="POKELAKE_WORK_POOL", help="Name of the work pool.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Name of the ECS cluster.")] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            envvar="POKELAKE_STACK",
            help="Stack that says what no flag says; the names of roles, images, tasks and log begin with its name.",
        ),
    ] = None,
    kms_key: Annotated[str | None, typer.Option(help="ARN of the key that encrypts the bucket.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="ARN of a secret that tasks start with; may be given again.")
    ] = None,
    source_secret: Annotated[
        list[str] | None, typer.Option(help="ARN of the secret with a source's key; may be given again.")
    ] = None,
    catalog: Annotated[str | None, typer.Option(help="Database of Glue that shows the lake.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Print who may take the role instead.")] = False,
) -> None:
    """Print the AWS policy of one role of the deployment; it allows only what the role needs.

    If a stack is named, its outputs give what no flag gives. It is not asked if account, region, bucket and prefix are
    given: then its name is the default of the pool and the cluster, and no key encrypts the bucket unless you name it.
    """
    from flows.deploy.account import STACK, Account, check_number
    from flows.deploy.iam import policy
    from flows.deploy.iam import trust as trusted
    from lake.bucket import check_bucket

    # The trust policy names the account, and nothing else.
    needed = {"--account": account} | ({} if trust else {"--region": region, "--bucket": bucket})
    if bucket is not None:
        check_bucket(bucket)
    said: Account | None = None
    if stack and None in (*needed.values(), "" if trust else prefix):
        prepare_prefect()
        from flows.deploy.stack import read_stack

        said = read_stack(stack).account()
    elif lacking := [flag for flag, value in needed.items() if value is None]:
        raise typer.BadParameter(f"pass {', '.join(lacking)}, or a stack that says it", param_hint="--stack")
    name = stack or STACK
    said = said or Account(account or "", region or "", bucket or "", prefix or "", name, name, stack=name)
    where = Account(
        check_number(account or said.number),
        region or said.region,
        bucket or said.bucket,
        said.prefix if prefix is None else prefix,
        work_pool or said.pool,
        cluster or said.cluster,
        tuple(secret or said.secrets),
        tuple(source_secret or said.source_secrets),
        name,
        kms_key or said.kms_key,
        catalog or said.catalog,
    )
    say_json(json.dumps((trusted if trust else policy)(role, where), indent=1))
