"""Parameters of the flows, as Prefect's forms show them; they open a lake, its results and a source."""

import re
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

from prefect_aws import AwsCredentials, S3Bucket
from pydantic import BaseModel, ConfigDict, Field

from blocks.credentials import with_settings
from blocks.lakes import source_block, source_block_at
from blocks.names import SOURCE_BLOCK, Names
from blocks.source_config import SourceConfig
from blocks.storage import load_block, open_store, results_folder, save_block
from flows.steps.results import Results
from lake.address import is_loopback
from lake.bucket import LAKE_BLOCK, check_bucket, require_bucket
from lake.errors import StoreError, UnknownNameError
from lake.source import SETTINGS, Source
from lake.store import Store
from lake.text import shown


class LakeLocation(BaseModel):
    """Where the lake lies: in an `S3Bucket` block, or in a bucket that the environment's credentials can reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str = Field(LAKE_BLOCK, description="Name of the S3Bucket block that holds the lake.")
    bucket: str | None = Field(None, description="Name of a bucket, to be used instead of the block.")
    prefix: str = Field("", description="Folder of the lake in that bucket; omit it without one.")

    def open(self) -> Store:
        """Open the lake.

        Raises:
            StoreError: There is no such block, or no credentials; or a folder is given without its bucket.
        """
        return _opened(self)

    def place(self) -> str:
        """Return where the lake lies as a run's name and tags say it, ``bucket/prefix``, whatever is wrong with it."""
        with suppress(Exception):
            store = self.open()
            return f"{store.bucket}/{store.prefix}".rstrip("/")
        return shown(f"{self.bucket}/{self.prefix}".rstrip("/") if self.bucket else f"block {self.block}")

    def source_block(self) -> str:
        """Return the name of the block of the lake's source, also of a lake that is named by its bucket."""
        found = source_block_at(self.bucket, self.prefix) if self.bucket is not None else None
        return found or source_block(self.block)

    def results(self) -> Results:
        """Return the saved block of Prefect's results in this lake; if a bucket is given, save one for it."""
        if self.bucket is None:
            require_bucket(self.bucket, self.prefix)
            names = Names(self.block)
            return Results.of(_bucket_block(names.results, names))
        # Prefect takes only saved blocks for its results; the name says whose they are.
        slug = "-".join(re.findall("[a-z0-9]+", f"{self.bucket}/{self.prefix}".lower()))
        block = S3Bucket(
            bucket_name=check_bucket(self.bucket),
            bucket_folder=results_folder(self.prefix),
            credentials=with_settings(AwsCredentials()),
        )
        saved, _ = save_block(block, f"results-of-{slug}")
        return Results.of(saved)


@lru_cache(maxsize=8)
def _opened(location: LakeLocation) -> Store:
    if location.bucket is not None:
        return Store(location.bucket, location.prefix)
    require_bucket(location.bucket, location.prefix)
    return open_store(_bucket_block(location.block, Names(location.block)))


def _bucket_block(name: str, names: Names) -> S3Bucket:
    block = load_block(S3Bucket, name)
    if block is None:
        raise StoreError(
            f"no S3Bucket block {name!r} is saved; run `pokelake setup{names.flags} --bucket NAME`,"
            " or pass --bucket NAME (the parameter lake.bucket of a deployment)"
        )
    return block


class Choice(BaseModel):
    """A verdict on a held draft, as `pokelake approve` gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    draft: str = Field(description="Id of the held draft.")
    publish: bool = Field(description="Whether it is published; else it is dropped.")
    findings: tuple[str, ...] = Field((), description="Names of the findings that are accepted; empty accepts all.")
    reason: str = Field("", description="Why; the commit keeps it.")
    by: str = Field("", description="Who decides; the commit keeps it.")


def _setting(name: str) -> Any:
    """Return the field of a setting of a source, as it is declared, that need not be given."""
    return Field(None, **SETTINGS[name])


class SourceChoice(BaseModel):
    """The source to crawl: a saved one, or an address; every further setting replaces the saved one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str | None = Field(
        None, description="Name of the source block. Default: that of the lake, as setup saved it."
    )
    base_url: str | None = Field(None, description="Address of the API, to be used instead of the block.")
    resources: tuple[str, ...] | None = _setting("resources")
    requests_per_second: float | None = _setting("requests_per_second")
    connections: int | None = _setting("connections")
    parallel_shards: int | None = _setting("parallel_shards")
    user_agent: str | None = _setting("user_agent")
    attempts: int | None = _setting("attempts")
    retry_delay_seconds: float | None = _setting("retry_delay_seconds")

    def resolve(self, lake: LakeLocation) -> Source:
        """Return the source's settings: those of the block, or the defaults for an address, with these over them.

        Without either, the lake's own block says them.

        Raises:
            UnknownNameError: No address is given, and no such block is saved.
        """
        if self.base_url is not None:
            return self.over(Source())
        return self.over(_source_config(self.block or lake.source_block()).source())

    def over(self, source: Source) -> Source:
        """Return a source's settings, with the given ones in the place of its own."""
        given = {name: value for name, value in self.model_dump(exclude={"block"}).items() if value is not None}
        if self.base_url is not None and is_loopback(self.base_url):
            # A server on loopback is one's own, and needs no politeness.
            given.setdefault("requests_per_second", 0)
        return replace(source, **given)


def _source_config(name: str) -> SourceConfig:
    block = load_block(SourceConfig, name)
    if block is None:
        advice = "run `pokelake setup`, or pass --source URL (the parameter source.base_url of a deployment)"
        if name != SOURCE_BLOCK:
            advice = (
                "save it in Prefect, or name a saved one (--source-block, the parameter source.block of a deployment)"
            )
        raise UnknownNameError("source block", name, advice=advice)
    return block
