"""Checks the code of a run before any of it runs: it can be read, and it is what the deployment was made with.

`prefect.yaml` hands the text of this file to an interpreter, because where the code is pulled nothing of this project
is installed. The second check is made by a bare one, because what was pulled is not to be trusted yet, so it needs
Python's own library alone. A refusal becomes the state of the run, which else says only that a process ended with 1.
"""

import json
import os
import shlex
import sys
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

MANIFEST = "MANIFEST.json"

# The lake that no command needs to name.
FIRST = "pokelake"

# Files that a message names.
NAMED = 5

# What S3 answers to who may not list or read; a request without a body has only the status.
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


def reach(bucket: str, folder: str, version: str, pool: str) -> None:
    """End the process with a paragraph, which says what mends it, unless a code version can be listed and read."""
    import boto3

    said = f"code version {version} could not be pulled from s3://{bucket}/{folder}:"
    right = f"s3:ListBucket on arn:aws:s3:::{bucket} for this folder"
    try:
        s3 = boto3.client("s3")
        found = s3.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1).get("Contents", ())
        right = f"s3:GetObject on arn:aws:s3:::{bucket}/{folder}*"
        for item in found:
            s3.head_object(Bucket=bucket, Key=item["Key"])
    except Exception as error:
        refuse(f"{said} {error}. {_way(error, bucket, folder, right, pool)}")
    if not found:
        refuse(f"{said} nothing is there. Deploy it again, in its checkout: {_again(pool)}")


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


def differing(folder: Path, manifest_sha256: str) -> list[str]:
    """Return the files that are not as the manifest says, are missing or are too many; the manifest must have a hash.

    A file too many may be one that Python would import in the place of another.
    """
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    manifest = found.pop(MANIFEST).read_bytes() if MANIFEST in found else b""
    if sha256(manifest).hexdigest() != manifest_sha256:
        return [MANIFEST]
    hashes = json.loads(manifest)["files"]
    changed = [
        path
        for path, expected in hashes.items()
        if path not in found or sha256(found[path].read_bytes()).hexdigest() != expected
    ]
    return sorted({*changed, *(found.keys() - hashes.keys())})


def check(folder: Path, version: str, manifest_sha256: str, pool: str) -> None:
    """End the process with a paragraph unless a folder holds exactly the files of a code version."""
    if differs := differing(folder, manifest_sha256):
        refuse(
            f"code version {version} was pulled, and none of it was run: expected exactly its files in {folder}, found"
            f" {len(differs)} that differ ({', '.join(map(repr, differs[:NAMED]))}). Find out who changed"
            f" code/{version}/ in the bucket, remove that folder, and deploy again: {_again(pool)}; a run pulls into an"
            " empty folder"
        )


if __name__ == "__main__":
    if "PULLED" in os.environ:
        check(
            Path(os.environ["PULLED"]),
            os.environ["VERSION"],
            os.environ["MANIFEST_SHA256"],
            os.environ["WORK_POOL"],
        )
    else:
        reach(os.environ["BUCKET"], os.environ["FOLDER"], os.environ["VERSION"], os.environ["WORK_POOL"])
