"""The bucket, in which an object is created once or not at all, be it from here or as a copy within S3."""

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from lake.answers import BUSY, EXISTS, MISSING, UNKNOWN, code_of, hex_of, may_be_applied
from lake.errors import ConflictError, DamagedObjectError, MissingObjectError, StoreError
from lake.layout import STAGING, is_odd
from lake.objects import CLIENT_CONFIG as CLIENT_CONFIG
from lake.objects import FETCHES as FETCHES
from lake.objects import Objects
from lake.objects import StoredObject as StoredObject

# Threads that write at the same time.
PARALLEL_REQUESTS = 8

# S3 deletes at most this many objects in one request.
_DELETED_AT_ONCE = 1000

# S3 may answer 409 while another conditional write to the same key is in flight, and asks for a retry.
_CONFLICT_RETRIES = 5


class Store(Objects):
    """One lake's objects in one bucket, to be read, created and deleted; safe to share between threads."""

    # Whether S3 has refused no copy for what it is, and has named the hash of each.
    _copies = True

    def create_bucket(self) -> None:
        """Create the bucket if it does not exist; for S3 on one's own machine."""
        with self._translated(""):
            self._s3.create_bucket(Bucket=self.bucket)

    def create(self, key: str, body: bytes, content_type: str = "") -> None:
        """Create an object once or not at all; a browser is told its type, if there is one.

        A repetition with the same content succeeds, because the answer to the first try may just have been lost.

        Raises:
            ConflictError: The object exists with other content.
        """
        for attempt in range(_CONFLICT_RETRIES):
            try:
                code = self._put_if_absent(key, body, content_type)
            except StoreError as error:
                if may_be_applied(error.__cause__) and self._holds(key, body):
                    return
                raise
            if code is None:
                return
            if code in EXISTS:
                break
            time.sleep(0.1 * 2**attempt)
        found = self.find(key)
        if found is None:
            raise self._busy(key)
        if found != body:
            raise ConflictError(self.uri(key))

    def _holds(self, key: str, body: bytes) -> bool:
        with suppress(StoreError):
            return self.find(key) == body
        return False

    def _put_if_absent(self, key: str, body: bytes, content_type: str = "") -> str | None:
        """Create an object; return None if that was done, S3's error code if the key exists or is being written."""
        typed: Any = {"ContentType": content_type} if content_type else {}
        with self._translated(key):
            try:
                self._s3.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + key,
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    **typed,
                )
            except ClientError as error:
                code = code_of(error)
                if code not in EXISTS | BUSY:
                    raise
                return code
        return None

    def copy(self, source: str, key: str, etag: str, hash_: str) -> None:
        """Copy an object of this content, as a listing named it by its ETag, to a key that has none, within S3.

        A repetition succeeds as that of a creation does. What S3 answers must be the SHA-256 of what it copied. A store
        that says none, or that knows no conditions of copies, gets the object read and created; so does one that
        refuses the copy, because a policy may judge copies otherwise.

        Raises:
            MissingObjectError: There is no such object.
            DamagedObjectError: It has another ETag, or another content.
            ConflictError: The key exists with other content.
        """
        if not (self._copies and self._is_copied(source, key, etag, hash_)):
            self.create(key, self.whole(source, hash_))

    def _is_copied(self, source: str, key: str, etag: str, hash_: str) -> bool:
        """Copy an object within S3; False if the store refuses that."""
        for attempt in range(_CONFLICT_RETRIES):
            try:
                code = self._copy_if_absent(source, key, etag, hash_)
            except StoreError as error:
                if may_be_applied(error.__cause__) and self._is_settled(source, key, hash_):
                    return True
                raise
            if code is None or (code in EXISTS and self._is_settled(source, key, hash_)):
                return True
            if code in EXISTS:
                # The key is free, so it was the other condition that does not hold: the object was replaced.
                raise DamagedObjectError(self.uri(source), hash_)
            if code not in BUSY:
                return False
            time.sleep(0.1 * 2**attempt)
        raise self._busy(key)

    def _copy_if_absent(self, source: str, key: str, etag: str, hash_: str) -> str | None:
        """Copy an object; return None if that was done, S3's error code if the key exists, is busy, or was refused."""
        place = {"Bucket": self.bucket, "Key": self.prefix + source}
        bound: Any = {"CopySourceIfMatch": etag} if etag else {}
        with self._translated(key):
            try:
                answer = self._s3.copy_object(
                    Bucket=self.bucket,
                    Key=self.prefix + key,
                    CopySource=place,  # type: ignore[arg-type]
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    **bound,
                )
            except ClientError as error:
                code = code_of(error)
                if code in MISSING:
                    raise MissingObjectError(self.uri(source)) from error
                if may_be_applied(error) and code not in UNKNOWN:
                    raise
                self._copies &= code not in UNKNOWN
                return code
        found = hex_of(answer.get("CopyObjectResult", {}).get("ChecksumSHA256"))
        if found is None:
            self._copies = False
            found = self.hash_of(key)
        if found != hash_:
            self.delete([key])
            raise DamagedObjectError(self.uri(source), hash_)
        return None

    def _is_settled(self, source: str, key: str, hash_: str) -> bool:
        """Tell whether a key has the content of a copy; False if it is free.

        Raises:
            DamagedObjectError: It has another content, as the source has.
            ConflictError: It has another content than the source.
        """
        found = self.hash_of(key)
        if found is None or found == hash_:
            return found is not None
        if self.hash_of(source) == hash_:
            raise ConflictError(self.uri(key))
        raise DamagedObjectError(self.uri(source), hash_)

    def _busy(self, key: str) -> StoreError:
        tries = f"in {_CONFLICT_RETRIES} tries"
        return StoreError(f"{self.uri(key)}: S3 was busy with other writes to it {tries}; try again")

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that do not exist are skipped."""
        every = list(keys)
        for key in filter(is_odd, every):
            with self._translated(key):
                self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + key)
        pending = (key for key in every if not is_odd(key))
        while batch := list(islice(pending, _DELETED_AT_ONCE)):
            objects: Any = [{"Key": self.prefix + key} for key in batch]
            with self._translated(batch[0]):
                answer = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            if refused := answer.get("Errors"):
                facts = f"S3 answered {refused[0].get('Code')}: {refused[0].get('Message')}"
                raise StoreError(
                    f"{self.uri()}: {len(refused)} objects could not be deleted, {refused[0]['Key']}: {facts}"
                )

    def probe(self, beside: Callable[[], list[str]] = list) -> None:
        """Prove that this lake can write, read and delete in the bucket, and that the bucket refuses to overwrite.

        What is to be proved `beside` it returns the keys that it leaves; they are deleted together.

        Raises:
            StoreError: One of these does not hold; a store that ignores ``If-None-Match`` cannot hold a lake.
        """
        key = f"{STAGING}probe-{secrets.token_hex(8)}"
        self.create(key, b"first")
        left = [key]
        try:
            with self._translated(key):
                refused = self._put_if_absent(key, b"second") is not None
            if not refused or self.get(key) != b"first":
                raise StoreError(
                    f"{self.uri()}: expected conditional writes (If-None-Match) to be honoured, found an object"
                    " overwritten; use S3 itself or a compatible store that supports them"
                )
            left += beside()
        finally:
            self.delete(left)
