"""The images, which cannot be built where there is no Docker: what their files say, and that the lock suffices."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from flows.deploy.code import ALLOWED, PACKAGES
from flows.deploy.leaks import secrets_in
from tests.flows.deploy.conftest import REPOSITORY
from tests.requirements import required


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each with its argument on one line."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


# Of the image as it is built without an argument, and of one for a cluster.
IMAGES_LOCKS = ("requirements-run.lock", "requirements-cluster.lock")

# What only a run imports whose tasks work on a cluster.
ON_CLUSTERS = {REPOSITORY / "flows" / "steps" / f"on_{kind}.py" for kind in ("dask", "ray")}


@pytest.fixture(scope="module")
def image() -> list[tuple[str, str]]:
    return instructions(REPOSITORY / "Dockerfile")


def arguments(image: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in image if name == word]


def test_the_base_is_one_release_of_the_python_of_this_project(image: list[tuple[str, str]]):
    bases = arguments(image, "FROM")
    assert len(bases) == 2
    assert {base.split()[0] for base in bases} == {"python:3.11.14-slim-bookworm"}


def test_it_takes_nothing_of_the_checkout_but_the_lock(image: list[tuple[str, str]]):
    copied = [rest.split() for rest in arguments(image, "COPY")]
    assert copied == [
        ["requirements-${LOCK}.lock", "/build/requirements.lock"],
        ["--from=dependencies", "/opt/pokelake", "/opt/pokelake"],
    ]
    assert arguments(image, "ADD") == []
    assert (REPOSITORY / ".dockerignore").read_text().split() == ["*", *(f"!{lock}" for lock in IMAGES_LOCKS)]


def test_it_installs_by_hash_and_compiles(image: list[tuple[str, str]]):
    [install] = [rest for rest in arguments(image, "RUN") if "pip install" in rest]
    assert {"--require-hashes", "--no-deps", "--only-binary", "--compile", "--no-cache-dir"} <= set(install.split())


def test_it_runs_as_a_user_without_rights_in_a_folder_that_is_its_own(image: list[tuple[str, str]]):
    last = [word for word, _ in image][::-1].index("FROM")
    stage = image[-last:]
    assert arguments(stage, "USER") == ["pokelake"]
    [folder] = arguments(stage, "WORKDIR")
    assert any("install --directory --owner pokelake" in rest and folder in rest for rest in arguments(stage, "RUN"))


def test_it_holds_no_secret(image: list[tuple[str, str]]):
    text = (REPOSITORY / "Dockerfile").read_bytes()
    assert list(secrets_in(text)) == []
    assert arguments(image, "ARG") == ["LOCK=run"]
    assert re.findall(r"(?i)key|token|password|secret|https?://", " ".join(arguments(image, "ENV"))) == []


def test_a_task_without_an_address_of_prefect_starts_no_server_of_its_own(
    image: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):
    from prefect.settings import Settings

    variables = dict(item.split("=", 1) for rest in arguments(image, "ENV") for item in rest.split())
    for name in ("PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_HOME"):
        monkeypatch.setenv(name, variables[name])
    settings = Settings()
    assert settings.server.ephemeral.enabled is False
    assert str(settings.home) == "/home/pokelake/.prefect"


@pytest.fixture(scope="module")
def baked() -> list[tuple[str, str]]:
    return instructions(REPOSITORY / "Dockerfile.baked")


def test_the_image_with_code_adds_the_packages_to_the_dependencies_and_nothing_else(baked: list[tuple[str, str]]):
    assert [item for item in baked if item[0] != "COPY"] == [("ARG", "BASE=pokelake"), ("FROM", "${BASE}")]
    assert [rest.split()[0] for rest in arguments(baked, "COPY")] == list(PACKAGES)


def test_the_code_lies_where_the_python_of_the_dependencies_looks_for_it(
    image: list[tuple[str, str]], baked: list[tuple[str, str]]
):
    """Below a folder of root's, which the user that runs cannot change."""
    [release] = {re.search(r"python:(\d+\.\d+)\.", base)[1] for base in arguments(image, "FROM")}
    assert arguments(image, "COPY")[-1].split()[-1] == "/opt/pokelake"
    folders = [rest.split()[-1] for rest in arguments(baked, "COPY")]
    assert folders == [f"/opt/pokelake/lib/python{release}/site-packages/{package}" for package in PACKAGES]


def test_the_image_with_code_has_what_a_push_would_upload():
    ignored = (REPOSITORY / "Dockerfile.baked.dockerignore").read_text().split()
    assert ignored == ["*", *(f"!{pattern}" for pattern in ALLOWED)]


def locked(name: str) -> dict[str, str]:
    """Return the version of each distribution in a lock."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", (REPOSITORY / name).read_text(), re.MULTILINE)
    return {canonicalize_name(distribution): version for distribution, version in pins}


@pytest.mark.parametrize("lock", IMAGES_LOCKS)
def test_the_images_lock_has_the_versions_that_are_tested(lock: str):
    """Those of clusters are tested beside the others, so the locks agree on what both name."""
    tested = locked("requirements.lock")
    both = locked(lock).keys() & tested.keys()
    assert {name: locked(lock)[name] for name in both} == {name: tested[name] for name in both}
    assert locked("requirements-run.lock").items() <= locked(lock).items()
    assert locked("requirements-run.lock").items() < tested.items()


@pytest.mark.parametrize("lock", IMAGES_LOCKS)
def test_the_images_lock_names_a_hash_for_everything_and_no_registry(lock: str):
    text = (REPOSITORY / lock).read_text()
    for entry in re.split(r"\n(?=\S)", text):
        assert "--hash=sha256:" in entry, entry
    assert re.findall(r"https?://|--index|--find-links", text) == []


@pytest.mark.parametrize("lock", IMAGES_LOCKS)
def test_the_images_lock_leaves_out_what_only_developers_need(lock: str):
    assert locked(lock).keys() & {"moto", "pytest", "mypy", "ruff", "hypothesis", "polars"} == set()


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements-run.lock", ("flows",)), ("requirements.lock", ("flows", "local", "dev"))]
)
def test_a_lock_has_all_that_its_distributions_require(lock: str, extras: tuple[str, ...]):
    """It is installed without resolving, so nothing comes that it does not name."""
    assert required(extras) - locked(lock).keys() == set()


def test_the_lock_of_clusters_has_all_that_its_distributions_require(cluster_packages: None):
    assert required(("flows", "dask", "ray")) - locked("requirements-cluster.lock").keys() == set()


def imported(source: Path) -> Iterator[str]:
    """Yield the top-level package of everything that a file imports when it runs, within functions too."""
    for node in _running(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield child
            yield from _running(child)


def unlocked(sources: Iterable[Path], lock: str) -> set[str]:
    """Return what some files import of other projects, but no distribution in a lock has."""
    names = {name for path in sources for name in imported(path)} - {*sys.stdlib_module_names, *PACKAGES}
    owners, available = packages_distributions(), locked(lock)
    return {name for name in names if not {canonicalize_name(o) for o in owners.get(name, ())} & available.keys()}


def test_the_images_lock_has_everything_that_the_code_imports():
    sources = {path for pattern in ALLOWED for path in REPOSITORY.glob(pattern) if path.suffix == ".py"}
    assert sources > ON_CLUSTERS
    assert unlocked(sources - ON_CLUSTERS, "requirements-run.lock") == set()


def test_the_lock_of_clusters_has_everything_that_the_code_for_them_imports(cluster_packages: None):
    assert unlocked(ON_CLUSTERS, "requirements-cluster.lock") == set()
