"""Credentials whose clients bear with AWS as the lake's own do, and whose assumed roles last as long as a run."""

from functools import partial
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import get_session
from prefect_aws import AwsCredentials, MinIOCredentials

from lake.answers import may_be_applied
from lake.aws import completed
from lake.errors import StoreError

# Who reads AWS's log finds an assumed role's requests by this name, unless the block names another.
SESSION_NAME = "pokelake"


_C = TypeVar("_C", AwsCredentials, MinIOCredentials)


def hardened(credentials: AwsCredentials | MinIOCredentials) -> AwsCredentials | MinIOCredentials:
    """Return credentials as the lake uses them: `with_settings`, and a role is assumed again before it expires.

    A role that asks for a code of an MFA device is not, because a code holds once.
    """
    if isinstance(credentials, MinIOCredentials):
        return with_settings(credentials)
    ours = with_settings(credentials)
    if not ours.assume_role_arn or ours.assume_role_kwargs.SerialNumber:
        return ours
    return AssumedRole(**{name: getattr(ours, name) for name in AwsCredentials.model_fields})


def with_settings(credentials: _C) -> _C:
    """Return credentials whose clients have the lake's settings wherever the block has none of its own."""
    parameters = credentials.aws_client_parameters
    config = completed(parameters.config)
    return credentials.model_copy(update={"aws_client_parameters": parameters.model_copy(update={"config": config})})


def s3_client(credentials: AwsCredentials | MinIOCredentials) -> Any:
    """Return the client of S3 that a lake uses with these credentials.

    Raises:
        StoreError: They make none, because of a profile that is not there or a setting that botocore does not know.
    """
    try:
        return hardened(credentials).get_s3_client()
    except (BotoCoreError, TypeError, ValueError) as error:
        raise StoreError(f"the credentials of the block make no client of S3: {error}") from error


class AssumedRole(AwsCredentials):
    """Credentials of a role that is assumed again before it expires; those of `AwsCredentials` end after an hour."""

    # A name of its own, because Prefect would load all saved credentials as the last class with that of theirs.
    _block_type_name = "Pokélake Assumed Role"

    def get_boto3_session(self) -> boto3.Session:
        """Return a session with the role's credentials; they are asked for with the first request."""
        # Without the role, this is who assumes it.
        asking = AwsCredentials.get_boto3_session(self.model_copy(update={"assume_role_arn": None}))
        session = get_session()
        session.get_component("credential_provider").insert_before("env", _Renewed(asking, self))
        return boto3.Session(botocore_session=session, region_name=self.region_name)


class _Renewed(CredentialProvider):
    """Where botocore finds the credentials of a role that some other credentials may assume."""

    METHOD = "pokelake-assumed-role"

    def __init__(self, asking: boto3.Session, role: AwsCredentials) -> None:
        super().__init__()
        self._session, self._role = asking, role

    def load(self) -> DeferredRefreshableCredentials:
        """Return the credentials, which are asked for when they are first needed."""
        return DeferredRefreshableCredentials(self._assume, self.METHOD)

    def _assume(self) -> Any:
        asking = self._session.get_credentials()
        if asking is None:
            raise NoCredentialsError
        assert self._role.assume_role_arn
        fetcher = AssumeRoleCredentialFetcher(
            partial(self._session.client, config=Config(**completed())),
            asking,
            self._role.assume_role_arn,
            {"RoleSessionName": SESSION_NAME, **self._role.assume_role_kwargs.get_params_override()},
        )
        try:
            return fetcher.fetch_credentials()
        except ClientError as error:
            raise StoreError(
                f"the role {self._role.assume_role_arn} could not be assumed: {error}; give whoever runs the right"
                " sts:AssumeRole on it, and let its trust policy name them",
                may_pass=may_be_applied(error),
            ) from error
