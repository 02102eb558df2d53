"""Pulled code is checked before any of it runs, by a bare interpreter that believes nothing of what was pulled."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flows.deploy.code import Code, check_command
from flows.deploy.pulled import MANIFEST, check
from lake.layout import CODE_MANIFEST
from tests.flows.deploy.conftest import FILES, write

CODE = Code({path: text.encode() for path, text in FILES.items()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with what a pull brings."""
    for path, body in {**CODE.files, CODE_MANIFEST: CODE.manifest}.items():
        write(tmp_path / "run" / path, body.decode())
    return tmp_path / "run"


def refusal(folder: Path, code: Code = CODE) -> str:
    """Return what the check says, empty if it passes."""
    try:
        check(folder, code.version, code.sha256)
    except SystemExit as end:
        return str(end)
    return ""


def test_what_was_pushed_passes(folder: Path):
    assert MANIFEST == CODE_MANIFEST
    assert refusal(folder) == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("flows/refresh.py", "TEAM = ['meowth']\n"),
        ("lake/store.py", "steal()\n"),
        ("json.py", "steal()\n"),
        ("prefect/__init__.py", ""),
        ("lake/__pycache__/store.cpython-311.pyc", "steal"),
        ("flows/refresh.so", ""),
        ("sitecustomize.py", ""),
        ("\x1b[2J.py", ""),
    ],
)
def test_a_file_that_differs_or_is_too_many_is_refused_by_its_name(folder: Path, path: str, text: str):
    write(folder / path, text)
    said = refusal(folder)
    assert said.startswith(
        f"code version {CODE.version} was pulled, and none of it was run: expected exactly its files"
    )
    assert f"found 1 that differ ({path!r}). Find out who changed code/{CODE.version}/ in the bucket" in said
    assert said.isprintable()


def test_a_file_that_is_missing_is_refused(folder: Path):
    (folder / "lake" / "store.py").unlink()
    assert "found 1 that differ ('lake/store.py')" in refusal(folder)


def test_another_version_is_refused_although_it_is_whole(folder: Path):
    """As if it had been copied over this one, manifest and all."""
    other = Code({**CODE.files, "lake/store.py": b"steal()"})
    for path, body in {**other.files, CODE_MANIFEST: other.manifest}.items():
        write(folder / path, body.decode())
    assert refusal(folder, other) == ""
    assert "found 1 that differ ('MANIFEST.json')" in refusal(folder)


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000])
def test_another_manifest_is_refused_unread(folder: Path, text: str):
    (folder / CODE_MANIFEST).write_text(text)
    assert "found 1 that differ ('MANIFEST.json')" in refusal(folder)


def test_the_deployments_command_checks_with_nothing_but_pythons_own_library(folder: Path):
    """A module that was pulled, and has the name of one of Python's own, is not imported by the check."""
    facts = {"PULLED": str(folder), "VERSION": CODE.version, "MANIFEST_SHA256": CODE.sha256}
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "PYTHONPATH": str(folder), **facts}
    command = check_command()
    assert command.splitlines() == [command]
    good = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    write(folder / "json.py", "print('ran')")
    bad = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "found 1 that differ ('json.py')" in bad.stderr
