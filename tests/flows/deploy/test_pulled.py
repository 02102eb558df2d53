"""Pulled code is checked before any of it runs, by a bare interpreter that believes nothing of what was pulled."""

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import Stubber
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runner._state_proposer import StateProposer

from flows.deploy import pulled
from flows.deploy.code import Code, check_command, reach_command
from flows.deploy.pulled import MANIFEST, check, reach, refuse
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
        check(folder, code.version, code.sha256, "ecs")
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
    facts = {"PULLED": str(folder), "VERSION": CODE.version, "MANIFEST_SHA256": CODE.sha256, "WORK_POOL": "ecs"}
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "PYTHONPATH": str(folder), **facts}
    command = check_command()
    assert command.splitlines() == [command]
    good = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    write(folder / "json.py", "print('ran')")
    bad = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "found 1 that differ ('json.py')" in bad.stderr


def unreachable(place: str, version: str = "77aa", prefix: str = "pokelake/") -> str:
    """Return what is said of a code version that cannot be pulled from a bucket."""
    with pytest.raises(SystemExit) as end:
        reach(place, f"{prefix}code/{version}/", version, "our pool")
    return str(end.value)


def test_code_that_is_not_there_is_refused_with_the_command_that_puts_it_there(bucket: str, s3_client: Any):
    s3_client.put_object(Bucket=bucket, Key="pokelake/code/1f3a/MANIFEST.json", Body=b"{}")
    reach(bucket, "pokelake/code/1f3a/", "1f3a", "ecs")
    again = "`POKELAKE_WORK_POOL='our pool' prefect --no-prompt deploy --all`"
    said = unreachable(bucket)
    assert said.endswith(f"s3://lake/pokelake/code/77aa/: nothing is there. Deploy it again, in its checkout: {again}")
    said = unreachable("other")
    assert "NoSuchBucket" in said
    assert said.endswith(f"or name another by `pokelake setup --bucket NAME`; then deploy again: {again}")


@pytest.mark.parametrize(
    ("operation", "code", "right"),
    [
        ("list_objects_v2", "AccessDenied", "s3:ListBucket on arn:aws:s3:::lake for this folder"),
        ("head_object", "403", "s3:GetObject on arn:aws:s3:::lake/pokelake/code/77aa/*"),
    ],
)
def test_code_that_may_not_be_read_is_refused_with_the_right_that_lacks(
    operation: str, code: str, right: str, monkeypatch: pytest.MonkeyPatch
):
    s3 = boto3.client("s3", region_name="us-east-1")
    with Stubber(s3) as stub:
        if operation == "head_object":
            stub.add_response("list_objects_v2", {"Contents": [{"Key": "pokelake/code/77aa/MANIFEST.json"}]})
        stub.add_client_error(operation, code, "Access Denied")
        monkeypatch.setattr(boto3, "client", lambda name: s3)
        said = unreachable("lake")
    assert f"Give the runs' task role the right {right}; all that it needs" in said
    assert said.endswith("`pokelake iam-policy task --bucket lake --prefix pokelake --account ACCOUNT` prints")


def test_any_other_trouble_is_said_with_the_command_that_finds_out_more(monkeypatch: pytest.MonkeyPatch):
    def refuse_all(name: str) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(boto3, "client", refuse_all)
    assert unreachable("lake").endswith("Unable to locate credentials. Look at `pokelake doctor`")


def test_the_deployments_command_needs_nothing_of_this_project(bucket: str, tmp_path: Path):
    facts = {"BUCKET": "other", "FOLDER": "code/1f3a/", "VERSION": "1f3a", "WORK_POOL": "ecs"}
    environment = {**os.environ, "PYTHONPATH": "", "PATH": f"{Path(sys.executable).parent}:{os.defpath}", **facts}
    command = reach_command()
    assert command.splitlines() == [command]
    said = subprocess.run(shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("code version 1f3a could not be pulled from s3://other/code/1f3a/: ")


@flow
def pulling() -> None:
    pass


def test_a_refusal_becomes_the_runs_state_and_stays_it(prefect_server: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """Prefect's runner knows only the exit code of the process, and says so a moment later."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(pulling)
        monkeypatch.setenv("PREFECT_API_URL", prefect_server["PREFECT_API_URL"])
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.id))
        with pytest.raises(SystemExit, match="Access Denied"):
            refuse("code version 1f3a could not be pulled: Access Denied")

        async def run_on() -> None:
            async with get_client() as runner:
                message = "Process exited with status code: 1. Process exited with a general error."
                await StateProposer(client=runner).propose_crashed(run, message)

        asyncio.run(run_on())
        state = client.read_flow_run(run.id).state
    assert state is not None
    assert (state.name, state.message) == ("Crashed", "code version 1f3a could not be pulled: Access Denied")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PREFECT_API_KEY": "pnu_x"}, "Bearer pnu_x"),
        ({"PREFECT_API_AUTH_STRING": "admin:pass"}, "Basic YWRtaW46cGFzcw=="),
        ({}, None),
    ],
)
def test_prefect_is_told_with_the_runs_own_key(
    given: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []

    def answer(request: Any, timeout: float) -> Any:
        asked.append(request)
        raise OSError

    monkeypatch.setattr(pulled, "urlopen", answer)
    facts = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "PREFECT__FLOW_RUN_ID": "0b3a"}
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**facts, **given}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        refuse("x")
    assert asked[0].full_url == "http://127.0.0.1:4200/api/flow_runs/0b3a/set_state"
    assert asked[0].get_header("Authorization") == expected
