"""A code version: only what is allowed, whole or not there, and never changed."""

import gzip
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest

from flows.deploy.code import PACKAGES, Code, collect, push
from flows.deploy.pulled import pull, unpack
from flows.deploy.version import pack
from lake.errors import ConflictError, LakeError, StoreError
from lake.store import Store
from tests.flows.deploy.conftest import FILES, REPOSITORY, write
from tests.flows.deploy.pushed import exchange, in_files, push_files, repack, requests
from tests.lake.publish.killing import Killed

ARCHIVE = "files.tar.gz"


def pushed(store: Store, code: Code) -> dict[str, bytes]:
    """Return what lies in a version's folder."""
    return {item.key.removeprefix(code.folder): store.get(item.key) for item in store.list(code.folder)}


def whole(code: Code) -> dict[str, bytes]:
    return {ARCHIVE: code.archive, "MANIFEST.json": code.manifest}


def pulled(store: Store, code: Code, target: Path) -> dict[str, bytes]:
    """Pull a version into a new folder; return what is in it then."""
    target.mkdir()
    pull(target, "lake", f"{store.prefix}{code.folder}", code.version, code.sha256, "ecs")
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


@pytest.fixture
def client(bucket: str) -> Any:
    """Return the client of the store, to listen to it."""
    return boto3.client("s3")


@pytest.fixture
def store(bucket: str, client: Any) -> Store:
    """Open an empty lake."""
    return Store(bucket, "pokelake", client)


def test_only_what_is_allowed_is_pushed(root: Path):
    for path in (
        "README.md",
        "data/x.py",
        "flows/notes.txt",
        "flows/cli/__init__.py",
        "flows/deploy/ecs_job_template.json",
        "flows/deploy/pool.py",
        "flows/local/stack.py",
        "flows/local/replica/app.py",
        "flows/__pycache__/refresh.cpython-311.pyc",
        "lake/x.json",
        "tests/test_refresh.py",
        ".git/config",
        ".venv/lib/x.py",
    ):
        write(root / path, "x")
    assert set(collect(root).files) == set(FILES)


# What makes the page of a snapshot: no run but that of the report loads any of it, except for three modules.
PAGES = ("lake/__init__.py", "lake/read/", "lake/report/", "lake/views/", "flows/report.py")
_OF_PAGES = re.compile(r"lake\.read\.(?!files\b|filters\b|history\b)|lake\.(?:report|views)\b|\bimport .*\bLake\b")

# Each run pulls it: an archive of 336 kB and a manifest of 23 kB, a fifth of which is there for pages; its 237 files
# are 1,158 kB.
PUSHED_BYTES = 520_000


def test_of_this_checkout_all_is_pushed_that_a_run_needs_and_no_more():
    """The arrows hold that flows and their steps import nothing of the folders that are left out."""
    code = collect(REPOSITORY)
    files = code.files
    modules = {
        path.relative_to(REPOSITORY).as_posix() for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")
    }
    left_out = ("flows/cli/", "flows/deploy/", "flows/local/", "lake/cli/")
    assert modules - files.keys() == {name for name in modules if name.startswith(left_out)}
    assert files.keys() - modules == {"lake/report/page.css", "lake/report/page.html"}
    pushed = {path: body.decode() for path, body in files.items() if not path.startswith(PAGES)}
    assert [path for path, text in pushed.items() if _OF_PAGES.search(text)] == []
    assert len(code.archive) + len(code.manifest) <= PUSHED_BYTES


def test_a_folder_that_is_no_checkout_is_named(root: Path):
    (root / "flows" / "__init__.py").unlink()
    with pytest.raises(
        LakeError, match=r"checkout: expected the packages blocks, flows, lake, found no flows; push from"
    ):
        collect(root)


def test_the_same_content_is_the_same_version_wherever_it_lies(root: Path, tmp_path: Path):
    for path, text in FILES.items():
        write(tmp_path / "elsewhere" / path, text)
    assert collect(root).version == collect(tmp_path / "elsewhere").version


@pytest.mark.parametrize("change", ["content", "name", "one less"])
def test_other_content_is_another_version(root: Path, change: str):
    before, file = collect(root).version, root / "flows" / "refresh.py"
    if change == "content":
        file.write_text("TEAM = ['raichu']\n")
    elif change == "name":
        file.rename(file.with_name("renew.py"))
    else:
        file.unlink()
    assert collect(root).version != before


def test_a_dry_run_lists_every_file_with_its_size_and_the_version(root: Path):
    code = collect(root)
    assert "       19  flows/refresh.py" in code.lines()
    assert len(code.lines()) == len(FILES) + 1
    assert code.lines()[-1] == f"       19  bytes in 6 files, version {code.version}"


def test_a_push_puts_the_files_in_one_archive_and_their_hashes_below_the_version(root: Path, store: Store):
    code = collect(root)
    assert push(store, code) == 2
    assert pushed(store, code) == whole(code)
    assert unpack(store.get(f"code/{code.version}/{ARCHIVE}")) == code.files
    hashes = json.loads(store.get(f"code/{code.version}/MANIFEST.json"))["files"]
    assert hashes == {path: sha256(text.encode()).hexdigest() for path, text in FILES.items()}


def test_the_same_files_are_the_same_archive_whenever_and_in_whatever_order_they_are_packed(root: Path):
    files = collect(root).files
    (root / "flows" / "refresh.py").touch()
    assert pack(dict(reversed(files.items()))) == pack(collect(root).files)


@pytest.mark.parametrize("first", [push, push_files])
def test_the_same_again_costs_one_request(root: Path, store: Store, client: Any, first: Callable[[Store, Code], Any]):
    """Prefect runs the step once for each of five deployments. Files that earlier code pushed are left as well."""
    first(store, collect(root))
    with requests(client) as seen:
        assert push(store, collect(root)) == 0
    assert seen == ["ListObjectsV2"]


def test_a_push_killed_at_any_request_is_seen_as_not_whole_and_the_next_one_completes_it(
    root: Path, store: Store, client: Any
):
    code = collect(root)
    for kill_at in range(3):
        store.delete([item.key for item in store.list("code/")])
        with requests(client, kill_at), pytest.raises(Killed):
            push(store, code)
        left = pushed(store, code)
        assert "MANIFEST.json" not in left
        assert left.items() <= whole(code).items()
        push(store, code)
        assert pushed(store, code) == whole(code)
    assert left == {ARCHIVE: code.archive}


@pytest.mark.parametrize(
    "lost", [["flows/refresh.py"], ["MANIFEST.json"], ["lake/__init__.py", "lake/store.py", "MANIFEST.json"]]
)
def test_what_is_left_of_a_push_of_single_files_is_completed_by_an_archive(
    root: Path, store: Store, tmp_path: Path, lost: list[str]
):
    code = collect(root)
    push_files(store, code)
    store.delete([f"{code.folder}{name}" for name in lost])
    assert push(store, code) == 1 + ("MANIFEST.json" in lost)
    assert pulled(store, code, tmp_path / "container") == in_files(code)
    assert push(store, code) == 0


def test_two_pushes_at_the_same_time_make_one_whole_version(root: Path, store: Store):
    code = collect(root)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: push(store, code), range(4)))
    assert pushed(store, code) == whole(code)


def test_a_deleted_file_is_gone_from_the_next_version_and_still_in_the_last(root: Path, store: Store):
    before = collect(root)
    push(store, before)
    (root / "flows" / "refresh.py").unlink()
    after = collect(root)
    push(store, after)
    assert "flows/refresh.py" not in pushed(store, after)
    assert pushed(store, before) == whole(before)


@pytest.mark.parametrize("lost", [ARCHIVE, "MANIFEST.json"])
def test_a_version_that_lost_an_object_is_made_whole(root: Path, store: Store, lost: str):
    """As when it was being collected as garbage, and is needed again for a rollback."""
    code = collect(root)
    push(store, code)
    store.delete([f"{code.folder}{lost}"])
    assert push(store, code) == 1
    assert pushed(store, code) == whole(code)


def test_an_archive_that_another_zlib_has_made_of_the_same_files_is_left(root: Path, store: Store):
    code = collect(root)
    other = gzip.compress(gzip.decompress(code.archive), 1, mtime=0)
    assert len(other) != len(code.archive)
    store.create(f"{code.folder}{ARCHIVE}", other)
    assert push(store, code) == 1
    assert push(store, code) == 0
    assert pushed(store, code) == {**whole(code), ARCHIVE: other}


@pytest.mark.parametrize(
    ("path", "body"), [("flows/refresh.py", b"TEAM = ['meowth']"), ("flows/refresh.py", None), ("json.py", b"steal()")]
)
def test_an_archive_of_other_files_is_left_and_reported(root: Path, store: Store, path: str, body: bytes | None):
    code = collect(root)
    repack(store, code, {path: body})
    before = pushed(store, code)
    with pytest.raises(
        StoreError, match=rf"files\.tar\.gz: expected .*, found 1 that differ \('{path}'\); find out who"
    ):
        push(store, code)
    assert pushed(store, code) == before


def test_a_damaged_archive_is_left_and_reported(root: Path, store: Store):
    code = collect(root)
    exchange(store, f"{code.folder}{ARCHIVE}", code.archive[:-9])
    with pytest.raises(
        StoreError, match=r"found 1 that differ \('files\.tar\.gz'\); find out who changed them, remove"
    ):
        push(store, code)
    assert pushed(store, code) == {ARCHIVE: code.archive[:-9]}


def test_a_manifest_of_other_content_is_left_and_reported(root: Path, store: Store):
    code = collect(root)
    store.create(f"{code.folder}MANIFEST.json", b"{}")
    with pytest.raises(ConflictError, match=r"MANIFEST\.json: another writer created it first"):
        push(store, code)
    assert store.get(f"{code.folder}MANIFEST.json") == b"{}"


@pytest.mark.parametrize(("path", "body"), [("lake/rocket.py", b"steal()"), ("flows/refresh.py", b"steal()")])
def test_what_is_not_part_of_a_version_keeps_it_from_being_deployed(root: Path, store: Store, path: str, body: bytes):
    code = collect(root)
    store.create(f"{code.folder}{path}", body)
    with pytest.raises(StoreError, match=rf"expected the files of this version only, found {re.escape(path)}; find"):
        push(store, code)
    assert set(pushed(store, code)) == {path}


def test_a_pull_brings_exactly_its_version(root: Path, store: Store, tmp_path: Path):
    """Beside an older version, and one whose name begins alike."""
    push(store, collect(root))
    (root / "lake" / "store.py").unlink()
    code = collect(root)
    push(store, code)
    store.create(f"code/{code.version}0/flows/other.py", b"")
    assert pulled(store, code, tmp_path / "container") == in_files(code)
