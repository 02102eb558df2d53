"""The keys of all objects in the bucket, below the lake's prefix.

A resource's name, which `lake.resource` has checked, is the only string from an API that becomes part of a key.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import Annotated

from msgspec import Meta

COMMITS = "commits/"
SNAPSHOTS = "snapshots/"
STAGING = "staging/"
RESULTS = "results/"
CHECKS = "checks/"
CODE = "code/"
HELD = "held/"
REPORTS = "reports/"

# All of them; no other lake may lie in one of these.
FOLDERS = (COMMITS, SNAPSHOTS, STAGING, RESULTS, CHECKS, CODE, HELD, REPORTS)

# Lists of the fields of tables. They lie where every role that needs them may read or write already.
SCHEMAS = f"{SNAPSHOTS}schemas/"

# A note for each snapshot that a catalog outside of the bucket names. They lie there for the same reason.
CATALOGS = f"{SNAPSHOTS}catalogs/"

# A record of each run that may spare the next one requests. They lie there for the same reason.
ASKED = f"{CHECKS}asked/"

# Folders of Prefect's results: of batches of shards that were fetched, and of listings that were read.
SHARD_RESULTS, LISTING_RESULTS = "shards/", "listings/"

# The manifest of a code version is written last and removed first: a version with a manifest is whole.
CODE_MANIFEST = "MANIFEST.json"

# All files of a code version, beside its manifest. In versions that were pushed before, each file lies there by itself.
CODE_ARCHIVE = "files.tar.gz"

# A request that deletes several objects is XML, which knows no control characters, and reads a carriage return as a
# line feed: it would be refused as a whole, or name another object.
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What a commit may name, because it becomes part of a key. No pattern lets a line end after its last character.
SnapshotId = Annotated[str, Meta(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$(?!\n)")]
TableName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$(?!\n)")]
FileName = Annotated[str, Meta(pattern=r"^([a-z0-9_]+=[A-Za-z0-9-]{1,63}/)?part-[0-9]{1,6}\.parquet$(?!\n)")]
CommitNumber = Annotated[int, Meta(ge=1, le=9_999_999_999)]

# A commit each second for three years. What is numbered that much higher than all others is no commit of theirs, and
# must not use up the numbers.
LARGEST_GAP = 100_000_000

_SNAPSHOT = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


def new_snapshot_id(started: datetime) -> str:
    """Return a snapshot's name: its UTC start and a random tail, so that names sort and no two attempts share one."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def is_snapshot_id(text: str) -> bool:
    """Tell whether `text` has the form of a snapshot's name."""
    return _SNAPSHOT.fullmatch(text) is not None


def is_odd(key: str) -> bool:
    """Tell whether a key has characters that S3's requests for several objects cannot hold; none of the lake's has."""
    return _NOT_XML.search(key) is not None


def commit_key(seq: int) -> str:
    """Return the key of a commit; the numbers sort as text.

    >>> commit_key(42)
    'commits/0000000042.json'
    """
    return f"{COMMITS}{seq:010d}.json"


def commit_seq(key: str) -> int | None:
    """Return the sequence number in a commit's key, None for any other key."""
    match = re.fullmatch(r"commits/([0-9]{10})\.json", key)
    return int(match[1]) if match else None


def in_reach(numbers: Iterable[int], known: int = 0) -> list[int]:
    """Return, in order, those numbers of commits to which the others lead, or a known one; old commits may be gone.

    >>> in_reach([7, 5, 6, 9_999_999_999])
    [5, 6, 7]
    """
    found = sorted(numbers)
    steps = pairwise([known, *found])
    gap = next((place for place, (one, next_) in enumerate(steps) if next_ - one > LARGEST_GAP), len(found))
    return found[:gap]


def snapshot_folder(snapshot: str) -> str:
    """Return the folder of one snapshot, with its slash."""
    return f"{SNAPSHOTS}{snapshot}/"


def table_folder(snapshot: str, table: str) -> str:
    """Return the folder that holds the files of one table, and only those."""
    return f"{SNAPSHOTS}{snapshot}/{table}"


def file_key(snapshot: str, table: str, name: str) -> str:
    """Return the key of one of a table's files; `name` comes from `part_name`.

    >>> file_key("20260808T041200Z-1f3a9c02", "pokemon", "generation=1/part-0.parquet")
    'snapshots/20260808T041200Z-1f3a9c02/pokemon/generation=1/part-0.parquet'
    """
    return f"{table_folder(snapshot, table)}/{name}"


def part_name(partition: str | None, value: str | int | None, number: int = 0) -> str:
    """Return a file's name below its table's folder.

    >>> part_name("generation", 1)
    'generation=1/part-0.parquet'
    >>> part_name(None, None)
    'part-0.parquet'
    """
    name = f"part-{number}.parquet"
    return name if partition is None else f"{partition}={value}/{name}"


def part_number(name: str) -> int:
    """Return the number of a file in its partition; the rows of a table's partition ascend with it.

    >>> part_number("generation=1/part-12.parquet")
    12
    """
    return int(name.rpartition("part-")[2].removesuffix(".parquet"))


def staging_key(crawl: str, resource: str, number: int) -> str:
    """Return a new key for the documents of one shard; its random tail keeps two attempts apart."""
    return f"{STAGING}{crawl}/{resource}-{number:04d}-{secrets.token_hex(4)}.parquet"


def is_staging_key(key: str, crawl: str) -> bool:
    """Tell whether a key is one that `staging_key` makes for a shard of this crawl."""
    return re.fullmatch(rf"{re.escape(f'{STAGING}{crawl}/')}[^/]+-\d{{4,}}-[0-9a-f]{{8}}\.parquet", key) is not None


def units_folder(snapshot: str) -> str:
    """Return the folder of what units of work on a snapshot share, with its slash."""
    return f"{STAGING}units-{snapshot}/"


def unit_key(snapshot: str, name: str) -> str:
    """Return a new key for what units of work on a snapshot share; its random tail keeps two attempts apart."""
    return f"{units_folder(snapshot)}{name}-{secrets.token_hex(4)}.parquet"


def plan_key(crawl: str, sha256: str) -> str:
    """Return the key of what a crawl's batches ask for; the same plan has the same key."""
    return f"{STAGING}{crawl}/plan-{sha256[:16]}"


def told_folder(crawl: str, run: str) -> str:
    """Return the folder in which a run tells the workers of its crawl what an operator told it, with its slash."""
    return f"{STAGING}{crawl}/told-{run}/"


def attempt_folder(run: str) -> str:
    """Return the folder in which a run notes the drafts that it writes, with its slash."""
    return f"{STAGING}draft-{run}/"


def attempt_key(run: str, snapshot: str) -> str:
    """Return the key that says that a run writes this snapshot."""
    return f"{attempt_folder(run)}{snapshot}"


def attempt_claim_key(run: str, snapshot: str) -> str:
    """Return the key that says what becomes of it: its commit is sent, or its files are removed."""
    return f"{attempt_folder(run)}claimed-{snapshot}"


def held_folder(draft: str) -> str:
    """Return the folder of one held draft, with its slash."""
    return f"{HELD}{draft}/"


def draft_key(draft: str) -> str:
    """Return the key of the object that is written last into a held draft's folder, and makes it one."""
    return f"{HELD}{draft}/draft.json"


def verdict_key(draft: str) -> str:
    """Return the key of the one verdict on a held draft."""
    return f"{HELD}{draft}/verdict.json"


def held_documents_key(draft: str, resource: str, number: int) -> str:
    """Return the key of the documents that one shard brought, counted over all shards of a held draft.

    >>> held_documents_key("20260808T041200Z-1f3a9c02", "pokemon", 7)
    'held/20260808T041200Z-1f3a9c02/documents/pokemon-0007.parquet'
    """
    return f"{HELD}{draft}/documents/{resource}-{number:04d}.parquet"


def schema_key(sha256_: str) -> str:
    """Return the key of a list of a table's fields, whose content has this SHA-256."""
    return f"{SCHEMAS}{sha256_}.json"


def schema_hash(key: str) -> str | None:
    """Return the SHA-256 in the key of a list of fields, None for any other key."""
    match = re.fullmatch(r"snapshots/schemas/([0-9a-f]{64})\.json", key)
    return match[1] if match else None


def catalogued_folder(catalog: str) -> str:
    """Return the folder of the notes of one catalog, with its slash; the catalog's name is account.region.database."""
    return f"{CATALOGS}{catalog}/"


def catalogued_key(catalog: str, snapshot: str) -> str:
    """Return the key of the note that a catalog names a snapshot.

    >>> catalogued_key("123456789012.us-east-1.pokemon", "20260808T041200Z-1f3a9c02")
    'snapshots/catalogs/123456789012.us-east-1.pokemon/20260808T041200Z-1f3a9c02'
    """
    return f"{catalogued_folder(catalog)}{snapshot}"


def catalogued(key: str) -> tuple[str, str] | None:
    """Return the catalog and the snapshot of such a note, None for any other key."""
    match = re.fullmatch(rf"{CATALOGS}([a-z0-9_.-]+)/({_SNAPSHOT.pattern})", key)
    return (match[1], match[2]) if match else None


def forgotten_key(snapshot: str) -> str:
    """Return a new key for the copy of a forgotten commit; its random tail keeps two attempts apart."""
    return f"{forgotten_prefix(snapshot)}{secrets.token_hex(4)}.json"


def forgotten_prefix(snapshot: str) -> str:
    """Return what the keys of all copies of a forgotten commit begin with."""
    return f"{SNAPSHOTS}{snapshot}/forgotten-"


def report_key(snapshot: str) -> str:
    """Return the key of a snapshot's page.

    >>> report_key("20260808T041200Z-1f3a9c02")
    'reports/20260808T041200Z-1f3a9c02/index.html'
    """
    return f"{REPORTS}{snapshot}/index.html"


def check_key(snapshot: str, upstream: str) -> str:
    """Return the key of a record: this snapshot was found equal to this state of the source."""
    return f"{CHECKS}{snapshot}/{sha256(upstream.encode()).hexdigest()[:16]}.json"


def asked_key(number: int) -> str:
    """Return the key of the record of what a run asked for; the numbers sort as text.

    >>> asked_key(42)
    'checks/asked/0000000042.json'
    """
    return f"{ASKED}{number:010d}.json"


def newest_asked(keys: Iterable[str]) -> int:
    """Return the number of the newest of such records, 0 if there is none."""
    return max((asked_number(key) or 0 for key in keys), default=0)


def asked_number(key: str) -> int | None:
    """Return the number in the key of such a record, None for any other key."""
    match = re.fullmatch(r"checks/asked/([0-9]{10})\.json", key)
    return int(match[1]) if match else None
