"""Questions about Prefect's API, the saved blocks, and the storage that runs reach through them."""

from urllib.parse import urlsplit

import prefect
from packaging.version import Version
from prefect.client.base import ServerType
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_CLIENT_MAX_RETRIES,
    get_current_settings,
    temporary_settings,
)

from blocks.credentials import hardened, s3_client
from blocks.limit import limit_values
from flows.deploy.doctor.check import Verdict, failed, ok, skipped
from flows.deploy.doctor.installation import Installation
from flows.steps.results import prove_results
from lake.address import without_user
from lake.aws import CLIENT_SETTINGS, patience
from lake.layout import RESULTS
from lake.store import Store

# With these, a wrong address fails at once; Prefect's client would go on asking for minutes.
_FIRST_ANSWER = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: 10}


def unwell(url: str, error: Exception) -> tuple[str, str]:
    """Say what is wrong with an API that is asked for its health, and the way to mend it."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return (
            f"{url} refuses the key: status {status}",
            "set PREFECT_API_KEY, or PREFECT_API_AUTH_STRING, to one it takes",
        )
    if status is not None:
        way = "check PREFECT_API_URL, which ends in /api, or in /workspaces/ and an id on Prefect Cloud"
        return f"{url} answers with status {status}", way
    way = "start it (`prefect server start`) or name another (`prefect config set PREFECT_API_URL=…`)"
    return f"{url} does not answer: {type(error).__name__}: {error}", way


def prefect_api(at: Installation) -> Verdict:
    """Is there a lasting Prefect server, no older than this client?"""
    address = get_current_settings().api.url
    if address is None:
        name_it = "`prefect config set PREFECT_API_URL=http://HOST:4200/api`"
        return failed("PREFECT_API_URL is not set, so every command starts a server of its own", name_it)
    url = without_user(address)
    with temporary_settings(_FIRST_ANSWER), get_client(sync_client=True) as client:
        if error := client.api_healthcheck():
            return failed(*unwell(url, error))
        if client.server_type is ServerType.CLOUD:
            return ok(f"{url} is Prefect Cloud, the client has version {prefect.__version__}")
        server = client.api_version()
    versions = f"the server at {url} has version {server}, the client {prefect.__version__}"
    there, here = Version(server).release, Version(prefect.__version__).release
    if there[0] != here[0] or there < here:
        return failed(versions, f"`pip install prefect=={prefect.__version__}` where the server runs")
    return ok(versions)


def credentials_block(at: Installation) -> Verdict:
    """Is the block of the credentials saved, with the type that runs look for?"""
    has_keys = at.credentials.aws_access_key_id is not None
    return ok(
        f"saved, {'with keys' if has_keys else 'without keys, so runs use those of environment, profile or role'}"
    )


def lake_block(at: Installation) -> Verdict:
    """Is the block of the lake saved, and does it lead to the bucket that was named?"""
    found = at.store.uri()
    if at.lake.bucket is not None:
        asked = Store(at.lake.bucket, at.lake.prefix, s3_client(at.lake_block.credentials)).uri()
        if asked != found:
            way = f"`pokelake setup{at.names.flags} --bucket {at.lake.bucket} --prefix '{at.lake.prefix}'`"
            return failed(f"expected the lake of the deployments in {asked}, found it in {found}", way)
    return ok(f"saved, leads to {found}")


def results_block(at: Installation) -> Verdict:
    """Is the block of Prefect's results saved?"""
    block = at.results_block
    return ok(f"saved, leads to s3://{block.bucket_name}/{block.bucket_folder}")


def source_block(at: Installation) -> Verdict:
    """Is the block of the source saved, with settings that hold together?"""
    source = at.source_block.source()
    return ok(f"saved, a source of kind {source.kind} at {source.base_url}")


def account(at: Installation) -> Verdict:
    """Which S3 do the runs use, and as whom?"""
    credentials = hardened(at.lake_block.credentials)
    s3 = credentials.get_s3_client().meta
    where = f"S3 at {s3.endpoint_url}, region {s3.region_name}"
    try:
        identity = credentials.get_client("sts").get_caller_identity()
    except Exception as error:
        if _belongs_to_aws(s3.endpoint_url):
            raise
        return ok(f"{where}; it is not AWS's and names no account ({type(error).__name__})")
    return ok(f"{where}, as {identity['Arn']} of account {identity['Account']}")


def _belongs_to_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))


def bucket(at: Installation) -> Verdict:
    """Can the lake be written to, read and deleted from, and does it refuse to overwrite?"""
    at.store.probe()
    credentials = at.lake_block.credentials
    bears = patience(s3_client(credentials).meta.config)
    own = credentials.aws_client_parameters.config or {}
    set_there = [name for name, ours in CLIENT_SETTINGS.items() if own.get(name, ours) != ours]
    whose = f"its block sets {', '.join(set_there)}" if set_there else "these are the lake's own"
    return ok(f"{at.store.uri()} takes conditional writes, reads and deletes, with {bears}; {whose}")


def results(at: Installation) -> Verdict:
    """Do Prefect's results reach the lake?"""
    at.store.delete(prove_results(at.results_block, at.store))
    return ok(f"results arrive in {at.store.uri(RESULTS)}")


def global_limit(at: Installation) -> Verdict:
    """Does the limit that the source names exist, does it keep the source's pace, and can no run keep its slots?"""
    source = at.source_block.source()
    name, wanted = source.global_limit, limit_values(source.requests_per_second)
    if not name:
        return skipped("not needed: the source names none")
    if not wanted["active"]:
        return skipped("not needed: the source has no pace")
    way = f"`pokelake setup{at.names.flags}`"
    try:
        saved = at.client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        return failed(f"there is no limit {name}", way)
    if not saved.slot_decay_per_second:
        taken = f"{saved.active_slots} of {saved.limit} slots are taken"
        return failed(f"{name} is one of an earlier version, whose slots a dead run keeps; {taken}", way)
    if not saved.active:
        return failed(f"{name} is switched off", f"`prefect gcl update {name} --enable`")
    size, pace = wanted["limit"], wanted["slot_decay_per_second"]
    if (saved.limit, saved.slot_decay_per_second) != (size, pace):
        return failed(
            f"expected {name} to have {size} slots, of which {pace:g} come back each second, found {saved.limit} and"
            f" {saved.slot_decay_per_second:g}",
            f"`prefect gcl update {name} --limit {size} --slot-decay-per-second {pace:g}`",
        )
    return ok(f"{name} allows {pace:g} requests a second, as the source says")
