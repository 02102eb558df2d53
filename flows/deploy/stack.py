"""The stack that flows/deploy/stack.yaml makes: what `setup` takes from it, and the worker in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from prefect_aws import AwsCredentials

from flows.deploy.account import Account
from flows.deploy.image import image_tag
from flows.deploy.pool import Pool
from flows.deploy.task_definition import holds
from flows.steps.catalog import VARIABLE
from lake.address import without_user
from lake.errors import LakeError
from lake.text import shown

# The stack is as a deployment of it wanted, the last one or the one before.
_WHOLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")

# Not every stack has one.
_SECRETS = ("ApiKeySecret", "AuthStringSecret")

# What is given to register a task definition; ECS adds more to what it describes.
_REGISTERED = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "containerDefinitions",
)


@dataclass(frozen=True, slots=True)
class Stack:
    """What a stack has made, by the names of its outputs."""

    name: str
    outputs: Mapping[str, str]

    @property
    def bucket(self) -> str:
        """The lake's bucket."""
        return self._output("Bucket")

    @property
    def prefix(self) -> str:
        """The lake's folder in the bucket."""
        return self._output("Prefix").strip("/")

    @property
    def work_pool(self) -> str:
        """The work pool whose runs the worker starts."""
        return self._output("WorkPool")

    def account(self) -> Account:
        """Return where the lake and its runs are, as the policies of the stack's roles name it."""
        name, listed = self.work_pool, self.outputs.get("SourceSecrets", "")
        return Account(
            self._output("Account"),
            self._output("Region"),
            self.bucket,
            self.prefix,
            name,
            self._output("Cluster"),
            tuple(self.outputs[secret] for secret in _SECRETS if secret in self.outputs),
            tuple(filter(None, listed.split(","))),
            name,
            self.outputs.get("KmsKey"),
            self.outputs.get("CatalogDatabase"),
        )

    def images(self) -> str:
        """Return the address of the image repository."""
        return self._output("Images")

    def worker(self) -> dict[str, str]:
        """Return cluster and name of the worker's service."""
        return {"cluster": self._output("Cluster"), "service": self._output("Worker")}

    def worker_definition(self) -> str:
        """Return the ARN of the worker's task definition, as the template has it, whose image does not exist."""
        return self._output("WorkerDefinition")

    def require_prefect(self, address: str | None) -> None:
        """Raise unless this is the address of the Prefect that worker and runs ask; another one has none of it.

        Raises:
            LakeError: It is another one, or none.
        """
        wanted = self._output("PrefectApiUrl")
        if (address or "").rstrip("/") != wanted.rstrip("/"):
            plain, found = shown(without_user(wanted)), shown(without_user(address)) if address else "none"
            raise LakeError(
                f"stack {self.name}: expected the Prefect that its worker asks, at {plain}, found"
                f" {found}; `export PREFECT_API_URL={plain}`, with its PREFECT_API_KEY or"
                " PREFECT_API_AUTH_STRING, or deploy the stack again with another PrefectApiUrl"
            )

    def families(self) -> tuple[str, str]:
        """Return the families of task definitions: that of the runs, and the worker's."""
        return self._output("TaskFamily"), self._output("Worker")

    def fill(self, pool: Pool, image: str) -> Pool:
        """Return the settings of a pool of type ecs with this stack's, where none are given.

        Raises:
            LakeError: The pool is not the one that the stack's worker serves, or the stack lacks an output.
        """
        if pool.name != (served := self.work_pool):
            raise LakeError(
                f"expected the work pool {served}, which the worker of the stack {self.name} serves, found {pool.name};"
                f" pass --work-pool {served}, or set POKELAKE_WORK_POOL; for another pool, unset POKELAKE_STACK"
            )
        catalog = self.outputs.get("CatalogDatabase")
        api_key, auth_string = (self.outputs.get(name) for name in _SECRETS)
        return replace(
            pool,
            kind="ecs",
            cluster=pool.cluster or self._output("Cluster"),
            image=image,
            family=self._output("TaskFamily"),
            log_group=self._output("LogGroup"),
            execution_role=pool.execution_role or self._output("ExecutionRole"),
            task_role=pool.task_role or self._output("TaskRole"),
            vpc=pool.vpc or self._output("Vpc"),
            subnets=pool.subnets or tuple(self._output("Subnets").split(",")),
            # Whether other subnets lead to an internet gateway is not known here.
            has_public_ip=None if pool.subnets else self._output("AssignPublicIp") == "ENABLED",
            security_groups=pool.security_groups or (self._output("SecurityGroup"),),
            api_key_secret=pool.api_key_secret or api_key,
            auth_string_secret=pool.auth_string_secret or auth_string,
            env={**({VARIABLE: catalog} if catalog else {}), **pool.env},
        )

    def _output(self, name: str) -> str:
        if name not in self.outputs:
            raise LakeError(
                f"stack {self.name}: expected the output {name}, found {', '.join(self.outputs) or 'none'};"
                f" deploy it again from flows/deploy/stack.yaml of this checkout, or name another one with --stack"
            )
        return self.outputs[name]


def read_stack(name: str) -> Stack:
    """Return what a stack has made.

    Raises:
        LakeError: There is no such stack, it is not complete, or CloudFormation refused.
    """
    try:
        [found] = AwsCredentials().get_client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise LakeError(
            f"stack {name}: expected to read its outputs, found: {error}; deploy flows/deploy/stack.yaml under that"
            " name (docs/deploy.md says how), and check region and credentials, or name another stack with --stack"
        ) from error
    if found["StackStatus"] not in _WHOLE:
        raise LakeError(
            f"stack {name}: expected it to be complete, found {found['StackStatus']};"
            f" `aws cloudformation describe-stack-events --stack-name {name}` says why"
        )
    return Stack(name, {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", ())})


def find_image(stack: Stack, checkout: Path) -> str:
    """Return the image that a checkout's lock needs, from the stack's repository.

    Raises:
        LakeError: Nobody has pushed it, or ECR refused.
    """
    images, tag = stack.images(), image_tag(checkout)
    image, repository = f"{images}:{tag}", images.partition("/")[2]
    try:
        AwsCredentials().get_client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except (BotoCoreError, ClientError) as error:
        raise LakeError(
            f"{image}: expected the image of this checkout's lock, found: {error};"
            f" `docker build --platform linux/amd64 --tag {image} .` and `docker push {image}`, or name another with"
            " --image"
        ) from error
    return image


def raise_worker(stack: Stack, image: str) -> dict[str, str]:
    """Have the stack's service run a worker as the template has it, from an image; return: changed or left.

    Raises:
        LakeError: There is no such service, ECS could not be reached, or it refused.
    """
    where = stack.worker()
    try:
        ecs = AwsCredentials().get_client("ecs")
        service = _service(ecs, stack)
        wanted: dict[str, Any] = {} if service["desiredCount"] else {"desiredCount": 1}
        given = _registered(ecs, stack.worker_definition())
        given["containerDefinitions"] = [{**one, "image": image} for one in given["containerDefinitions"]]
        found = _registered(ecs, service["taskDefinition"])
        if not (holds(found, given) and holds(given, found)):
            made = ecs.register_task_definition(**given)["taskDefinition"]
            wanted["taskDefinition"] = made["taskDefinitionArn"]
        if wanted:
            ecs.update_service(**where, **wanted)
    except (BotoCoreError, ClientError) as error:
        raise LakeError(
            f"service {where['service']}: expected to start the worker, found: {error}; if `pokelake teardown` has"
            " deleted its task definition, delete the stack, and deploy it again with CreateBucket=no"
        ) from error
    return {f"ecs-service/{where['service']}": "changed" if wanted else "left"}


def _service(ecs: Any, stack: Stack) -> dict[str, Any]:
    """Return the service of the worker; raise if somebody has deleted it, which ECS remembers for a while."""
    where = stack.worker()
    found = ecs.describe_services(cluster=where["cluster"], services=[where["service"]])["services"]
    there: list[dict[str, Any]] = [service for service in found if service["status"] == "ACTIVE"]
    if not there:
        raise LakeError(
            f"stack {stack.name}: expected the service {where['service']} in the cluster {where['cluster']}, found"
            " none, because somebody deleted it; the same template makes no other one: `aws cloudformation delete-stack"
            f" --stack-name {stack.name}`, which leaves the bucket, then deploy it with CreateBucket=no, or see"
            " docs/operate.md, “Something of the stack was changed or deleted by hand”"
        )
    return there[0]


def _registered(ecs: Any, arn: str) -> dict[str, Any]:
    """Return what a task definition was registered with."""
    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    return {name: found[name] for name in _REGISTERED if name in found}
