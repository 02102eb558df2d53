"""What lies in the folder of a code version, whichever code has pushed it."""

from collections.abc import Callable
from typing import Any

import pytest

from flows.deploy.code import Code, push
from flows.deploy.version import Lying, look, pushed
from lake.store import Store
from tests.flows.deploy.conftest import FILES
from tests.flows.deploy.pushed import push_files, repack

CODE = Code({path: text.encode() for path, text in FILES.items()})

ARCHIVE = f"{CODE.folder}files.tar.gz"


def lying(store: Store) -> Lying:
    found = look(store, CODE.version)
    assert found is not None
    return found


@pytest.mark.parametrize("way", [push, push_files])
def test_a_version_is_read_whole_as_an_archive_and_in_single_files(store: Store, way: Callable[[Store, Code], Any]):
    assert look(store, CODE.version) is None
    way(store, CODE)
    found = lying(store)
    assert found.read() == (CODE.files, [])
    assert (found.lacking, found.strange, found.sha256) == ([], [], CODE.sha256)
    assert set(pushed(store)) == {CODE.version}


def test_single_files_that_are_left_beside_an_archive_are_not_read(store: Store):
    push_files(store, CODE)
    store.delete([f"{CODE.folder}lake/store.py"])
    push(store, CODE)
    store.delete([f"{CODE.folder}flows/refresh.py"])
    store.create(f"{CODE.folder}flows/refresh.py", b"steal()")
    assert lying(store).read() == (CODE.files, [])
    assert (lying(store).lacking, lying(store).strange) == ([], [])


def test_what_is_lacking_strange_or_another_is_named(store: Store):
    push_files(store, CODE)
    store.delete([f"{CODE.folder}lake/store.py"])
    store.create(f"{CODE.folder}lake/rocket.py", b"steal()")
    assert (lying(store).lacking, lying(store).strange) == (["lake/store.py"], ["lake/rocket.py"])
    assert lying(store).read()[1] == ["lake/store.py"]
    repack(store, CODE, {"flows/refresh.py": b"steal()", "json.py": b"steal()"})
    assert lying(store).read()[1] == ["flows/refresh.py", "json.py"]
    store.delete([ARCHIVE, *(f"{CODE.folder}{path}" for path in CODE.files)])
    assert lying(store).lacking == ["files.tar.gz"]


def test_a_manifest_that_is_not_the_versions_own_names_no_files(store: Store):
    store.create(f"{CODE.folder}MANIFEST.json", b'{"files": {"json.py": "0b"}}')
    assert lying(store).hashes == {}


@pytest.mark.parametrize("version", ["", "absent", f"../code/{CODE.version}", f"{CODE.version}/lake"])
def test_what_is_no_version_is_none(store: Store, version: str):
    push(store, CODE)
    assert look(store, version) is None
