"""Pulls the code of a run, and lets none of it be run that is not what the deployment was made with.

`prefect.yaml` hands the text of this file to an interpreter, because where the code is pulled nothing of this project
is installed; the interpreter believes nothing that lies in the folder. Each file is compared with its hash before it is
written. A refusal becomes the state of the run, which else says only that a process ended with 1.
"""

import gzip
import json
import os
import shlex
import sys
import tarfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

MANIFEST, ARCHIVE = "MANIFEST.json", "files.tar.gz"

# The lake that no command needs to name.
FIRST = "pokelake"

# Files that a message names.
NAMED = 5

# Files of a version without an archive that are fetched at the same time; one after another, they take seconds.
PARALLEL = 16

# How often a file is asked for whose body breaks off; boto3 itself asks again only if there is no answer.
TRIES = 3

# What S3 answers to who may not list or read.
DENIALS = {"AccessDenied", "403"}

# Prefect's API answers within this time, or the reason is only in the log.
ANSWER_SECONDS = 10


def refuse(reason: str) -> None:
    """End the process with a paragraph that is the run's state as well, as far as Prefect can be reached."""
    with suppress(OSError, ValueError, KeyError):
        tell(reason)
    sys.exit(reason)


def tell(reason: str) -> None:
    """Mark the run as crashed for this reason; a state that Prefect's runner proposes later does not take its place."""
    url = f"{os.environ['PREFECT_API_URL'].rstrip('/')}/flow_runs/{os.environ['PREFECT__FLOW_RUN_ID']}/set_state"
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    elif password := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {b64encode(password.encode()).decode()}"
    body = json.dumps({"state": {"type": "CRASHED", "name": "Crashed", "message": reason}})
    with urlopen(Request(url, body.encode(), headers), timeout=ANSWER_SECONDS):
        pass


def pull(folder: Path, bucket: str, place: str, version: str, manifest_sha256: str, pool: str) -> None:
    """Write the files of a code version into a folder, which is empty; the manifest that names them must have a hash.

    End the process with a paragraph, which says what mends it, if they cannot be read or are others.
    """
    import boto3
    from botocore.config import Config

    said = f"code version {version} could not be pulled from s3://{bucket}/{place}:"
    right = f"s3:ListBucket on arn:aws:s3:::{bucket} for this folder"
    bodies: dict[str, bytes] = {}
    differs = [MANIFEST]
    try:
        s3 = boto3.client("s3", config=Config(max_pool_connections=PARALLEL))
        found = s3.list_objects_v2(Bucket=bucket, Prefix=place, MaxKeys=1).get("Contents", ())
        right = f"s3:GetObject on arn:aws:s3:::{bucket}/{place}*"
        manifest = fetch(s3, bucket, f"{place}{MANIFEST}") if found else None
        if sha256(manifest or b"").hexdigest() == manifest_sha256:
            bodies, differs = read(
                json.loads(manifest or b"")["files"], lambda name: fetch(s3, bucket, f"{place}{name}")
            )
    except Exception as error:
        refuse(f"{said} {error}. {_way(error, bucket, place, right, pool)}")
    if not found:
        refuse(f"{said} nothing is there. Deploy it again, in its checkout: {_again(pool)}")
    differs += sorted(path.name for path in folder.iterdir())
    if differs:
        refuse(
            f"code version {version} was pulled, and none of it was run: expected exactly its files in {folder}, found"
            f" {len(differs)} that differ ({', '.join(map(repr, differs[:NAMED]))}). Find out who changed"
            f" code/{version}/ in the bucket, remove that folder, and deploy again: {_again(pool)}; a run pulls into an"
            " empty folder"
        )
    for path, body in {**bodies, MANIFEST: manifest}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body or b"")


def read(hashes: Mapping[str, str], find: Callable[[str], bytes | None]) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of a version by path, and the paths that differ: of other content, missing, or too many.

    `find` returns an object of the version's folder, None if there is none. An archive that cannot be read differs.
    """
    archive = find(ARCHIVE)
    if archive is None:
        with ThreadPoolExecutor(PARALLEL) as threads:
            found = {
                path: body for path, body in zip(hashes, threads.map(find, hashes), strict=True) if body is not None
            }
    else:
        try:
            found = unpack(archive)
        except Exception:
            return {}, [ARCHIVE]
    right = {path for path, body in found.items() if sha256(body).hexdigest() == hashes.get(path)}
    return found, sorted({*hashes, *found} - right)


def unpack(archive: bytes) -> dict[str, bytes]:
    """Return the files in an archive by path; of what is no file, such as a link, nothing but its name."""
    with tarfile.open(fileobj=BytesIO(gzip.decompress(archive)), mode="r:") as tar:
        return {item.name: file.read() if (file := item.isfile() and tar.extractfile(item)) else b"" for item in tar}


def fetch(s3: Any, bucket: str, key: str) -> bytes | None:
    """Return an object's bytes, None if there is none."""
    for attempt in range(TRIES):
        try:
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            return body
        except s3.exceptions.NoSuchKey:
            return None
        except Exception as error:
            # S3 has answered, or it has given up.
            if hasattr(error, "response") or attempt == TRIES - 1:
                raise
    return None


def _way(error: Exception, bucket: str, folder: str, right: str, pool: str) -> str:
    """Say what mends an error of S3; `right` is the one that was used."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    if code == "NoSuchBucket":
        return (
            f"Put the bucket back, or name another by `pokelake setup --bucket NAME`; then deploy again: {_again(pool)}"
        )
    if code in DENIALS:
        place = shlex.join(["--bucket", bucket, "--prefix", folder.rpartition("code/")[0].rstrip("/")])
        return (
            f"Give the runs' task role the right {right}; all that it needs is in the policy that `pokelake iam-policy"
            f" task {place} --account ACCOUNT` prints"
        )
    return "Look at `pokelake doctor`"


def _again(pool: str) -> str:
    return deploy(pool, os.environ.get("LAKE", ""))


def deploy(pool: str, lake: str = "") -> str:
    """Return the command that deploys everything of a lake, to a work pool; of the first lake without a name."""
    named = f"POKELAKE_LAKE={lake} " if lake not in ("", FIRST) else ""
    return f"`{named}POKELAKE_WORK_POOL={shlex.quote(pool)} prefect --no-prompt deploy --all`"


if __name__ == "__main__":
    pull(
        Path.cwd(),
        os.environ["BUCKET"],
        os.environ["FOLDER"],
        os.environ["VERSION"],
        os.environ["MANIFEST_SHA256"],
        os.environ["WORK_POOL"],
    )
