"""Code is pulled whole or not at all, and checked before any of it is written."""

import gzip
import os
import shlex
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import IncompleteReadError, NoCredentialsError
from botocore.stub import Stubber

from flows.deploy.code import Code, pull_command, push
from flows.deploy.pulled import ARCHIVE, MANIFEST, TRIES, fetch, pull
from flows.deploy.version import pack
from lake.layout import CODE_ARCHIVE, CODE_MANIFEST
from lake.store import Store
from tests.flows.deploy.conftest import FILES, write
from tests.flows.deploy.pushed import exchange, in_files, push_files, repack, requests

REFRESH = "flows/refresh.py"

CODE = Code({path: text.encode() for path, text in FILES.items()})


@pytest.fixture
def pushed(store: Store, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a lake to which the code was pushed."""
    monkeypatch.setattr(boto3, "client", lambda name, config: s3_client)
    push(store, CODE)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the empty folder that a run pulls into."""
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def refusal(folder: Path, code: Code = CODE, bucket: str = "lake", pool: str = "ecs") -> str:
    """Return what a pull says that brings nothing, empty if it brings the code."""
    before = found(folder)
    try:
        pull(folder, bucket, f"pokelake/{code.folder}", code.version, code.sha256, pool)
    except SystemExit as end:
        assert found(folder) == before, "nothing is written that is not whole"
        return str(end)
    return ""


def found(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def pushed_before(pushed: Store) -> Store:
    """Return a lake to which earlier code has pushed the code, each file by itself."""
    pushed.delete([CODE.folder + ARCHIVE])
    push_files(pushed, CODE)
    return pushed


def test_what_was_pushed_is_pulled_by_three_requests(pushed: Store, folder: Path, s3_client: Any):
    assert (MANIFEST, ARCHIVE) == (CODE_MANIFEST, CODE_ARCHIVE)
    with requests(s3_client) as asked:
        assert refusal(folder) == ""
    assert found(folder) == in_files(CODE)
    assert asked == ["ListObjectsV2", "GetObject", "GetObject"]


def test_what_earlier_code_pushed_is_pulled_file_by_file(pushed_before: Store, folder: Path):
    assert refusal(folder) == ""
    assert found(folder) == in_files(CODE)


@pytest.mark.parametrize(
    ("path", "body"), [("flows/refresh.py", b"TEAM = ['meowth']\n"), ("lake/store.py", b"steal()\n")]
)
@pytest.mark.parametrize("way", ["archive", "files"])
def test_a_file_that_differs_is_refused_by_its_name(
    pushed: Store, folder: Path, path: str, body: bytes, way: str, request: pytest.FixtureRequest
):
    if way == "archive":
        repack(pushed, CODE, {path: body})
    else:
        request.getfixturevalue("pushed_before")
        exchange(pushed, CODE.folder + path, body)
    said = refusal(folder)
    assert said.startswith(
        f"code version {CODE.version} was pulled, and none of it was run: expected exactly its files"
    )
    assert f"found 1 that differ ({path!r}). Find out who changed code/{CODE.version}/ in the bucket" in said


OTHERS = ["json.py", "prefect/__init__.py", "flows/refresh.so", "sitecustomize.py", "../json.py", "/tmp/json.py"]


@pytest.mark.parametrize("path", OTHERS)
def test_a_file_too_many_is_refused_in_an_archive_and_not_pulled_beside_it(pushed: Store, folder: Path, path: str):
    exchange(pushed, CODE.folder + path, b"steal()")
    assert refusal(folder) == ""
    assert found(folder) == in_files(CODE)
    repack(pushed, CODE, {path: b"steal()"})
    (folder.parent / "again").mkdir()
    assert f"found 1 that differ ({path!r})" in refusal(folder.parent / "again")


def test_a_link_in_an_archive_is_followed_by_nobody(pushed: Store, folder: Path):
    packed = BytesIO(gzip.decompress(pack({path: body for path, body in CODE.files.items() if path != REFRESH})))
    link = tarfile.TarInfo(REFRESH)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(fileobj=packed, mode="a") as tar:
        tar.addfile(link)
    exchange(pushed, CODE.folder + ARCHIVE, gzip.compress(packed.getvalue()))
    assert f"found 1 that differ ({REFRESH!r})" in refusal(folder)


@pytest.mark.parametrize("body", [b"", b"<html>", gzip.compress(b"<html>"), CODE.archive[:-9], CODE.archive[:80]])
def test_a_damaged_archive_is_refused_by_its_name(pushed: Store, folder: Path, body: bytes):
    exchange(pushed, CODE.folder + ARCHIVE, body)
    said = refusal(folder)
    assert f"found 1 that differ ('files.tar.gz'). Find out who changed code/{CODE.version}/ in the bucket" in said


def test_an_archive_whose_end_was_cut_off_before_it_was_packed_is_refused(pushed: Store, folder: Path):
    exchange(pushed, CODE.folder + ARCHIVE, gzip.compress(gzip.decompress(CODE.archive)[:1024]))
    assert "that differ ('flows/" in refusal(folder)


@pytest.mark.parametrize("path", ["json.py", "\x1b[2J.py"])
def test_a_folder_that_is_not_empty_is_refused(pushed: Store, folder: Path, path: str):
    """Python would import it in the place of another."""
    write(folder / path, "steal()")
    said = refusal(folder)
    assert f"found 1 that differ ({path!r})" in said
    assert said.endswith("; a run pulls into an empty folder")
    assert said.isprintable()


def test_a_file_that_is_missing_is_refused(pushed: Store, folder: Path):
    repack(pushed, CODE, {"lake/store.py": None})
    assert "found 1 that differ ('lake/store.py')" in refusal(folder)
    pushed.delete([CODE.folder + ARCHIVE])
    assert "found 6 that differ ('blocks/__init__.py', " in refusal(folder)


def test_a_single_file_that_is_missing_is_refused(pushed_before: Store, folder: Path):
    pushed_before.delete([f"{CODE.folder}lake/store.py"])
    assert "found 1 that differ ('lake/store.py')" in refusal(folder)


def test_another_version_is_refused_although_it_is_whole(pushed: Store, folder: Path):
    """As if it had been copied over this one, manifest and all."""
    other = Code({**CODE.files, "../../lake/store.py": b"steal()"})
    for path, body in {ARCHIVE: other.archive, MANIFEST: other.manifest}.items():
        exchange(pushed, CODE.folder + path, body)
    assert "found 1 that differ ('MANIFEST.json')" in refusal(folder)


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000])
def test_another_manifest_is_refused_unread(pushed: Store, folder: Path, body: bytes):
    exchange(pushed, CODE.folder + MANIFEST, body)
    assert "found 1 that differ ('MANIFEST.json')" in refusal(folder)


class Answers:
    """S3, as far as one object is concerned: it is read in so many parts, None for one that breaks off."""

    class exceptions:
        class NoSuchKey(Exception):
            """As of boto3."""

    def __init__(self, *bodies: bytes | None) -> None:
        self.bodies = list(bodies)

    def get_object(self, **where: str) -> dict[str, Any]:
        return {"Body": self}

    def read(self) -> bytes:
        body = self.bodies.pop(0)
        if body is None:
            raise IncompleteReadError(actual_bytes=0, expected_bytes=1)
        return body


def test_a_body_that_breaks_off_is_asked_for_again_but_not_for_ever():
    assert fetch(Answers(None, None, b"1"), "lake", "key") == b"1"
    with pytest.raises(IncompleteReadError):
        fetch(Answers(*[None] * TRIES, b"1"), "lake", "key")


def test_code_that_is_not_there_is_refused_with_the_command_that_puts_it_there(pushed: Store, folder: Path):
    pushed.delete([item.key for item in pushed.list(CODE.folder)])
    again = "`POKELAKE_WORK_POOL='our pool' prefect --no-prompt deploy --all`"
    said = refusal(folder, pool="our pool")
    assert said.endswith(f"/code/{CODE.version}/: nothing is there. Deploy it again, in its checkout: {again}")
    said = refusal(folder, bucket="other", pool="our pool")
    assert "NoSuchBucket" in said
    assert said.endswith(f"or name another by `pokelake setup --bucket NAME`; then deploy again: {again}")


@pytest.mark.parametrize(
    ("operation", "right"),
    [
        ("list_objects_v2", "s3:ListBucket on arn:aws:s3:::lake for this folder"),
        ("get_object", f"s3:GetObject on arn:aws:s3:::lake/pokelake/{CODE.folder}*"),
    ],
)
def test_code_that_may_not_be_read_is_refused_with_the_right_that_lacks(
    operation: str, right: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    s3 = boto3.client("s3", region_name="us-east-1")
    with Stubber(s3) as stub:
        if operation == "get_object":
            stub.add_response("list_objects_v2", {"Contents": [{"Key": f"pokelake/{CODE.folder}{MANIFEST}"}]})
        stub.add_client_error(operation, "AccessDenied", "Access Denied")
        monkeypatch.setattr(boto3, "client", lambda name, config: s3)
        said = refusal(folder)
    assert f"Give the runs' task role the right {right}; all that it needs" in said
    assert said.endswith("`pokelake iam-policy task --bucket lake --prefix pokelake --account ACCOUNT` prints")


def test_any_other_trouble_is_said_with_the_command_that_finds_out_more(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse_all(name: str, config: Any) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(boto3, "client", refuse_all)
    assert refusal(folder).endswith("Unable to locate credentials. Look at `pokelake doctor`")


def test_the_deployments_command_needs_nothing_of_this_project_and_believes_nothing_of_its_folder(
    bucket: str, folder: Path
):
    """A module that lies there, and has the name of one of Python's own, is not imported."""
    write(folder / "json.py", "print('ran')")
    facts = {"BUCKET": "other", "FOLDER": "code/1f3a/", "VERSION": "1f3a", "MANIFEST_SHA256": "", "WORK_POOL": "ecs"}
    path = f"{Path(sys.executable).parent}:{os.defpath}"
    environment = {**os.environ, "PYTHONPATH": str(folder), "PATH": path, **facts}
    command = pull_command()
    assert command.splitlines() == [command]
    said = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("code version 1f3a could not be pulled from s3://other/code/1f3a/: ")
