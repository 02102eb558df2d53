"""Code versions in a bucket, as earlier code pushed them, and as somebody has changed them; and what a push asks S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flows.deploy.code import Code
from flows.deploy.version import pack
from lake.layout import CODE_ARCHIVE, CODE_MANIFEST
from lake.store import Store
from tests.lake.publish.killing import Killed


def push_files(store: Store, code: Code) -> None:
    """Push a version as earlier code did: each file by itself, and the manifest last."""
    for path, body in in_files(code).items():
        store.create(f"{code.folder}{path}", body)


def in_files(code: Code) -> dict[str, bytes]:
    """Return what earlier code pushed, and what a run has in its folder, by path."""
    return {**code.files, CODE_MANIFEST: code.manifest}


def exchange(store: Store, key: str, body: bytes) -> None:
    """Put another object in the place of one, as somebody does who may write to the bucket."""
    store.delete([key])
    store.create(key, body)


def repack(store: Store, code: Code, changes: dict[str, bytes | None]) -> None:
    """Put another archive in the place of a version's, in which some files are others, lacking (None), or too many."""
    files = {path: body for path, body in {**code.files, **changes}.items() if body is not None}
    exchange(store, f"{code.folder}{CODE_ARCHIVE}", pack(files))


@contextmanager
def requests(client: Any, kill_at: int | None = None) -> Iterator[list[str]]:
    """Note each request to S3; the process dies before it sends the one of this number."""
    seen: list[str] = []
    ask = client._make_api_call

    def note(operation: str, asked: dict[str, Any]) -> Any:
        seen.append(operation)
        if kill_at is not None and len(seen) > kill_at:
            raise Killed
        return ask(operation, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_make_api_call", note)
        yield seen
