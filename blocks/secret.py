"""Keys of sources that need one: they stay in Secret or AWS Secret blocks, and only their names are passed around."""

import json
from typing import Any

from prefect.blocks.system import Secret
from prefect_aws import AwsSecret

from blocks.credentials import hardened
from blocks.storage import load_block
from lake.answers import may_be_applied
from lake.crawl import Key, Source, key_of
from lake.errors import LakeError, UnknownNameError

# The types of blocks that hold a key, by the slug that Prefect has for each.
_TYPES: dict[str, type[Secret[Any]] | type[AwsSecret]] = {"secret": Secret, "aws-secret": AwsSecret}


def source_key(source: Source) -> Key | None:
    """Return a source's key, as requests carry it; None for a source without one.

    Raises:
        LakeError: No block of this name is saved, two are, AWS does not give the key, or it is of another kind.
    """
    if not source.api_key_block:
        if source.api_key_in != "header":
            raise LakeError(
                f"{source.base_url}: expected the name of a block in api_key_block, because api_key_in is"
                f" {source.api_key_in!r}, found none"
            )
        return None
    block = _block(source.api_key_block)
    found = _kept_by_aws(block, source) if isinstance(block, AwsSecret) else block.get()
    return key_of(source, json.dumps(found) if isinstance(found, dict) else str(found))


def _block(name: str) -> Secret[Any] | AwsSecret:
    """Return the block of this name, which may begin with its type, such as ``aws-secret/league-key``."""
    type_, _, plain = name.rpartition("/")
    types = [type_] if type_ in _TYPES else list(_TYPES)
    found = {type_: block for type_ in types if (block := load_block(_TYPES[type_], plain)) is not None}
    if len(found) > 1:
        ways = " or ".join(f"{type_}/{plain}" for type_ in found)
        raise LakeError(
            f"two blocks are called {plain!r}; say which one is meant as the source's api_key_block: {ways}"
        )
    if not found:
        ways = " or ".join(f"`prefect block create {type_}`" for type_ in types)
        advice = f"run {ways}, or name a saved one as the source's api_key_block"
        raise UnknownNameError(" or ".join(_TYPES[type_].__name__ for type_ in types) + " block", plain, advice=advice)
    [block] = found.values()
    return block


def _kept_by_aws(block: AwsSecret, source: Source) -> str:
    """Return what AWS Secrets Manager keeps under the name in a block."""
    where = f"AwsSecret block {block._block_document_name!r}: secret {block.secret_name!r}"
    patient = block.model_copy(update={"aws_credentials": hardened(block.aws_credentials)})
    try:
        # Whatever calls it, there is no event loop to wait in.
        found: Any = patient.read_secret(_sync=True)
    except Exception as error:
        raise LakeError(
            f"{where} could not be read: {error}; check its name and region, and that whoever runs may read it:"
            " `pokelake iam-policy task --source-secret ARN` prints the right",
            may_pass=may_be_applied(error),
        ) from error
    text = (found.decode() if isinstance(found, bytes) else found).strip()
    if text.startswith("{") and source.api_key_in != "oauth2":
        raise LakeError(f"{where}: expected the key as plain text, found a JSON object; save the key alone")
    return text
