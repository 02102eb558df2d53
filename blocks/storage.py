"""The blocks that say where the lake lies, and the stores that they open."""

from typing import Any, TypeVar

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from prefect_aws import S3Bucket
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from blocks.credentials import s3_client
from lake.errors import LakeError
from lake.layout import RESULTS
from lake.proxies import spare_loopback
from lake.store import Store

_B = TypeVar("_B", bound=Block)


def open_store(block: S3Bucket) -> Store:
    """Open the lake that a block's bucket, folder and credentials name.

    Raises:
        StoreError: The bucket's name or the credentials cannot be right.
    """
    spare_loopback()
    return Store(block.bucket_name, block.bucket_folder, s3_client(block.credentials))


def place_of(block: S3Bucket) -> tuple[str, str]:
    """Return the bucket and the folder that a block names, however its slashes are written."""
    return block.bucket_name, block.bucket_folder.strip("/")


def results_folder(prefix: str) -> str:
    """Return the folder of Prefect's results in a lake."""
    return f"{prefix.strip('/')}/{RESULTS}".strip("/")


def load_block(block_type: type[_B], name: str) -> _B | None:
    """Return the saved block of this name, or None if there is none.

    Raises:
        LakeError: Its settings do not hold together.
    """
    try:
        block = block_type.load(name)
    except RuntimeError as error:
        if not isinstance(error.__cause__, ValidationError):
            raise
        wrong = "; ".join(_said(each) for each in error.__cause__.errors())
        raise LakeError(
            f"block {block_type.get_block_type_slug()}/{name}: {wrong}; put it right in Prefect's UI, or save it anew"
        ) from error
    except ValueError as error:
        # An answer that is no JSON is a ValueError as well.
        if isinstance(error.__cause__, ObjectNotFound):
            return None
        raise
    assert isinstance(block, block_type)
    return block


def _said(error: ErrorDetails) -> str:
    """Return what is wrong with a setting: where, and what was found."""
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}" if where else error["msg"].removeprefix("Value error, ")


def save_block(block: _B, name: str) -> tuple[_B, str]:
    """Save a block unless the same one is saved; return the saved one, and whether it was created, changed or left."""
    before = load_block(type(block), name)
    if before is not None and _settings(before.model_dump()) == _settings(block.model_dump()):
        return before, "left"
    block.save(name, overwrite=True)
    return block, "created" if before is None else "changed"


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    """Return a block's settings, without the members that saving adds."""
    return {
        name: _settings(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if not name.startswith("_")
    }
