"""The code of a run on its workers: all of it, nothing else, and never two versions in one process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.steps.shipped import INSTALL, LOADED, PACKAGES, Code, code_of_this_run, pack, require_code
from lake.errors import LakeError
from tests.flows.deploy.fargate import build_image

REPOSITORY = Path(__file__).parents[3]


def checkout(folder: Path, body: str) -> Code:
    for package in PACKAGES:
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").write_text(body)
    return pack(folder)


def test_the_same_files_are_the_same_version_wherever_they_lie(tmp_path: Path):
    one, same, other = (checkout(tmp_path / name, body) for name, body in (("a", "1"), ("b", "1"), ("c", "2")))
    assert one == same
    assert one.version != other.version


def test_the_code_is_small_enough_to_be_sent():
    assert len(code_of_this_run().archive) < 1_000_000


def test_a_worker_in_an_empty_folder_imports_the_runs_code_and_keeps_the_first_that_it_got(tmp_path: Path):
    """Whoever has loaded one version is no worker for another before its process is started anew."""
    python = build_image(tmp_path / "image") / "python"
    code = code_of_this_run()
    worker = f"""
import json, os, sys
for version in ("{code.version}", "another"):
    archive = open({str(tmp_path / "code.zip")!r}, "rb").read()
    exec({INSTALL!r}, {{"ARCHIVE": archive, "VERSION": version, "LOADED": {LOADED!r}}})
from lake.assemble.plan import read_batch
import blocks, flows
json.dump([os.environ[{LOADED!r}], read_batch.__module__, flows.__file__], sys.stdout)
"""
    (tmp_path / "code.zip").write_bytes(code.archive)
    (empty := tmp_path / "empty").mkdir()
    said = subprocess.run(
        [python, "-c", worker], cwd=empty, env={"HOME": str(empty)}, capture_output=True, text=True, check=True
    )
    loaded, module, file = json.loads(said.stdout)
    assert (loaded, module) == (code.version, "lake.assemble.plan")
    assert not Path(file).is_relative_to(REPOSITORY)
    assert not Path(file).exists(), "the folder is gone with its process"


def test_a_task_of_other_code_is_refused(monkeypatch: pytest.MonkeyPatch):
    require_code(None)
    monkeypatch.setitem(os.environ, LOADED, "one")
    require_code("one")
    with pytest.raises(LakeError, match="this worker has loaded code one, and the task is of code two") as error:
        require_code("two")
    assert error.value.may_pass
    monkeypatch.delitem(os.environ, LOADED)
    with pytest.raises(LakeError, match="has loaded no code of a run"):
        require_code("two")


def test_what_a_worker_runs_needs_pythons_own_library_alone():
    imports = next(line for line in INSTALL.splitlines() if line.startswith("import "))
    assert set(imports.removeprefix("import ").split(", ")) <= sys.stdlib_module_names
