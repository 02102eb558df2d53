"""Keys of sources that need one: they stay in Prefect's Secret blocks, and only their names are passed around."""

from prefect.blocks.system import Secret

from blocks.storage import load_block
from lake.crawl import Source
from lake.errors import UnknownNameError


def key_headers(source: Source) -> dict[str, str]:
    """Return the header that carries a source's key; none for a source without one.

    Raises:
        UnknownNameError: The Secret block that the source names is not saved.
    """
    if not source.api_key_block:
        return {}
    block = load_block(Secret, source.api_key_block)
    if block is None:
        advice = "run `prefect block create secret`, or name a saved one as the source's api_key_block"
        raise UnknownNameError("Secret block", source.api_key_block, advice=advice)
    return {source.api_key_header: f"{source.api_key_prefix}{block.get()}"}
