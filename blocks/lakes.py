"""The source of each lake: a Prefect Variable that `setup` keeps, so that no command crawls that of another lake."""

from typing import Any

from prefect.variables import Variable
from prefect_aws import S3Bucket

from blocks.names import SOURCE_BLOCK
from blocks.storage import load_block, place_of
from lake.bucket import LAKE_BLOCK
from lake.errors import LakeError, UnknownNameError

# The source block of each lake, by the lake's S3Bucket block. The first lake is in it only if its source is another.
LAKES = "pokelake_lakes"


def sources() -> dict[str, str]:
    """Return the source block of each lake that `setup` saved beside the first, or with another source.

    Raises:
        LakeError: The Variable holds something else.
    """
    value: Any = Variable.get(LAKES, default={})
    if not isinstance(value, dict) or not all(isinstance(source, str) for source in value.values()):
        raise LakeError(
            f"Prefect Variable {LAKES}: expected the source block of each lake, found {value!r};"
            f""" `prefect variable set {LAKES} '{{"LAKE": "SOURCE_BLOCK"}}' --overwrite` puts it right"""
        )
    return {lake: str(source) for lake, source in value.items()}


def source_block(lake: str) -> str:
    """Return the source block of a lake: that which `setup` saved with it, or else the first lake's."""
    return sources().get(lake, SOURCE_BLOCK)


def source_block_at(bucket: str, prefix: str) -> str | None:
    """Return the source block of the lake beside the first that was set up in a bucket's folder, None if none was."""
    for lake, source in sources().items():
        block = load_block(S3Bucket, lake)
        if block and place_of(block) == (bucket, prefix.strip("/")):
            return source
    return None


def lakes() -> dict[str, str]:
    """Return every lake that is set up in this workspace, with the block of its source."""
    found = sources()
    if load_block(S3Bucket, LAKE_BLOCK) is not None:
        found.setdefault(LAKE_BLOCK, SOURCE_BLOCK)
    return found


def require_lake(name: str) -> None:
    """Raise `UnknownNameError` for a further lake that is not set up, and of which nothing is left."""
    if name != LAKE_BLOCK and name not in lakes() and load_block(S3Bucket, name) is None:
        raise UnknownNameError("lake", name, sorted(lakes()))


def save_source(lake: str, source: str) -> dict[str, str]:
    """Note which source a lake has; return whether the Variable was created or changed, nothing if it is as it was."""
    found = sources()
    wanted = {**found, lake: source}
    if (lake, source) == (LAKE_BLOCK, SOURCE_BLOCK):
        del wanted[lake]
    return _save(found, wanted)


def forget_source(lake: str) -> dict[str, str]:
    """Forget which source a lake has; return what became of the Variable, nothing if it did not know."""
    found = sources()
    return _save(found, {name: source for name, source in found.items() if name != lake})


def _save(found: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    if wanted == found:
        return {}
    if not wanted:
        Variable.unset(LAKES)
        return {f"variable/{LAKES}": "deleted"}
    Variable.set(LAKES, wanted, overwrite=True)
    return {f"variable/{LAKES}": "changed" if found else "created"}
