"""One database of AWS Glue's data catalog, and what its answers mean."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lake.answers import code_of, may_be_applied
from lake.catalog.hive import NAME
from lake.errors import CatalogError, GlueError

_ABSENT, _EXISTS = "EntityNotFoundException", "AlreadyExistsException"
_DENIED = {"AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"}
_CONTESTED = "ConcurrentModificationException"
_BUSY = {"ThrottlingException", _CONTESTED, "OperationTimeoutException"}

# Glue refuses an update while another one of the same table is under way, and boto3 does not ask again.
_TRIES = 4


class Glue:
    """One database of one region; holds the boto3 client open, and threads may share it."""

    def __init__(self, client: Any, database: str) -> None:
        if not NAME.fullmatch(database):
            raise CatalogError(
                f"database {database!r}: expected a name of small letters, digits and underscores that begins with a"
                " letter, so that no query must quote it"
            )
        self.database, self.region = database, str(client.meta.region_name)
        self._client = client

    def __str__(self) -> str:
        return f"database {self.database} of Glue in {self.region}"

    def describe(self) -> dict[str, Any] | None:
        """Return what Glue keeps of the database, None if there is none."""
        with self._translated("GetDatabase"):
            try:
                found: dict[str, Any] = self._client.get_database(Name=self.database)["Database"]
            except ClientError as error:
                if code_of(error) == _ABSENT:
                    return None
                raise
        return found

    def create(self, description: str, properties: Mapping[str, str]) -> None:
        """Create the database, unless another run was faster."""
        given = {"Name": self.database, "Description": description, "Parameters": dict(properties)}
        with self._translated("CreateDatabase"), _unless(_EXISTS):
            self._client.create_database(DatabaseInput=given)

    def delete(self) -> None:
        """Delete the database, with all that is in it."""
        with self._translated("DeleteDatabase"), _unless(_ABSENT):
            self._client.delete_database(Name=self.database)

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return what Glue keeps of each table of the database."""
        with self._translated("GetTables"):
            pages = self._client.get_paginator("get_tables").paginate(DatabaseName=self.database)
            return {table["Name"]: table for page in pages for table in page["TableList"]}

    def create_table(self, table: Mapping[str, Any]) -> bool:
        """Create a table; False if there is one of this name."""
        with self._translated("CreateTable"):
            try:
                self._client.create_table(DatabaseName=self.database, TableInput=table)
            except ClientError as error:
                if code_of(error) == _EXISTS:
                    return False
                raise
        return True

    def update_table(self, table: Mapping[str, Any]) -> None:
        """Replace what Glue keeps of a table; no version of it is archived, because snapshots are the versions."""
        with self._translated("UpdateTable"):
            for attempt in range(_TRIES):
                try:
                    self._client.update_table(DatabaseName=self.database, TableInput=table, SkipArchive=True)
                    return
                except ClientError as error:
                    if code_of(error) != _CONTESTED or attempt == _TRIES - 1:
                        raise
                time.sleep(0.2 * 2**attempt)

    def delete_table(self, name: str) -> None:
        """Delete a table from the catalog; its files are not touched."""
        with self._translated("DeleteTable"), _unless(_ABSENT):
            self._client.delete_table(DatabaseName=self.database, Name=name)

    @contextmanager
    def _translated(self, act: str) -> Iterator[None]:
        """Turn boto3's errors into one of ours that names the database and the way out."""
        try:
            yield
        except ClientError as error:
            code, said = code_of(error), error.response.get("Error", {}).get("Message")
            advice = ""
            if code in _DENIED:
                advice = f"; give the role the right glue:{act} (`pokelake iam-policy ROLE --catalog {self.database}`)"
            may_pass = code in _BUSY or may_be_applied(error)
            raise GlueError(f"{self}: {act} was answered with {code}: {said}{advice}", may_pass) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise GlueError(f"{self}: {act} could not be asked: {error}", True) from error


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """Take an answer with this code for the wanted one: another run was faster."""
    try:
        yield
    except ClientError as error:
        if code_of(error) != code:
            raise
