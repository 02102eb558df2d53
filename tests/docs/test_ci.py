"""The workflow of the hosted CI and git's hooks, neither of which runs here: what they say they do."""

import tomllib
from typing import Any

import yaml

from tests.docs import REPOSITORY

WORKFLOW = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())


DEPLOY = yaml.safe_load((REPOSITORY / ".github/workflows/deploy.yml").read_text())


def commands(job: str, workflow: Any = WORKFLOW) -> str:
    return "\n".join(step.get("run", "") for step in workflow["jobs"][job]["steps"])


def test_it_runs_all_tests():
    assert commands("test") == "\n\nmake test"


def test_it_builds_every_image_and_starts_a_flow_in_each():
    for file in sorted(path.name for path in REPOSITORY.glob("Dockerfile*") if path.suffix != ".dockerignore"):
        [tag] = [line.split()[3] for line in commands("images").splitlines() if f"--file {file} ." in line]
        runs = commands("images").replace("\\\n", "").splitlines()
        assert [line for line in runs if line.startswith("docker run") and f" {tag} " in line and '"$CODE"' in line]
    assert "from flows.refresh import refresh\n" in commands("images")


def test_once_a_week_it_reads_without_the_lock_on_every_python_that_is_allowed():
    # YAML takes the key `on` for true.
    assert WORKFLOW[True]["schedule"][0]["cron"].endswith(" * * 0")
    job = WORKFLOW["jobs"]["without-the-lock"]
    allowed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["requires-python"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert allowed == ">=3.11"
    assert "pip install ." in commands("without-the-lock")
    assert "requirements" not in commands("without-the-lock")


def test_it_waits_for_words_of_the_demo_that_are_said():
    """It reads the addresses of what runs from the demo's own output."""
    said = "".join((REPOSITORY / "flows/local" / name).read_text() for name in ("around.py", "demo.py", "stack.py"))
    assert "Press Enter" in WORKFLOW["env"]["START"]
    assert "Press Enter" in said
    for what in ("PokeAPI replica", "Prefect"):
        assert f"s/.*{what} is up at " in WORKFLOW["env"]["START"]
        assert f'"{what}"' in said
    assert "{name} is up at" in said


def test_once_a_week_it_reads_from_every_environment_of_readers():
    assert commands("readers") == "\n\nmake readers"


def test_what_is_pushed_is_deployed_as_the_runbook_says_once_there_is_a_stack():
    said = commands("deploy", DEPLOY)
    order = [
        said.index(step) for step in ("docker push", "pokelake setup", "prefect --no-prompt deploy --all", "doctor")
    ]
    assert order == sorted(order)
    assert DEPLOY["jobs"]["deploy"]["if"] == "vars.POKELAKE_STACK != ''"
    assert DEPLOY["permissions"] == {"contents": "read", "id-token": "write"}
    # Each is a role that the stack makes, and lets the repository's main branch take.
    roles = [
        step["with"]["role-to-assume"]
        for step in DEPLOY["jobs"]["deploy"]["steps"]
        if "role-to-assume" in step.get("with", {})
    ]
    assert [role.rpartition("-")[2] for role in roles] == ["deploy", "setup", "deploy", "setup"]
    assert [*DEPLOY[True]["push"]["branches"]] == ["main"]


def test_the_hooks_of_git_are_local_and_use_the_lock():
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert [(hook["language"], hook["entry"].split()[0]) for hook in hooks] == [
        ("system", ".venv/bin/ruff"),
        ("system", ".venv/bin/ruff"),
        ("system", ".venv/bin/mypy"),
    ]
