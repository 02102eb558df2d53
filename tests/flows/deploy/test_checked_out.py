"""Which git commit a deployment's code came from."""

import os
import subprocess
from pathlib import Path

import pytest

from flows.deploy.code import checked_out


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ash", "-c", "user.email=ash@example.org")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, env=environment)


def test_the_commit_that_is_checked_out_is_named_and_whether_files_differ_from_it(root: Path):
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "--message", "First")
    clean = checked_out(root)
    (root / "flows" / "refresh.py").write_text("TEAM = []\n")
    assert len(clean) == 12
    assert checked_out(root) == f"{clean}-dirty"


def test_a_checkout_outside_of_git_has_no_commit(root: Path):
    assert checked_out(root) == "none"


def test_a_machine_without_git_deploys_all_the_same(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(root))
    assert checked_out(root) == "none"
