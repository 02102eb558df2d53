"""Who may import whom, read from the sources themselves: an import inside a function counts as well."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

# What each package may import of this project. Not listed: everything.
MAY_IMPORT = {
    "lake": {"lake"},
    "blocks": {"blocks", "lake"},
    "flows": {"flows", "blocks", "lake"},
    "tests": {"tests", "flows", "blocks", "lake"},
}

ROOMS = {"crawl", "documents", "tables", "publish", "read", "views", "assemble", "catalog", "cli", "report"}
# The rooms of lake that join others, and which.
JOINED = {
    "assemble": {"crawl", "documents", "tables", "publish"},
    "cli": {"read", "catalog", "report"},
    "read": {"views"},
    "report": {"read"},
}

# What each folder of flows, and each verb beside them, may import of flows. Not listed: everything.
FLOWS = {"steps": {"steps"}, "verb": {"steps"}, "deploy": {"deploy", "steps"}}

FOUNDATIONS = {
    "accept",
    "answers",
    "address",
    "body",
    "bucket",
    "catalogued",
    "errors",
    "fields",
    "numbers",
    "past",
    "layout",
    "resource",
    "schema",
    "aws",
    "objects",
    "store",
    "commit",
    "canonical",
    "identity",
    "decode",
    "setting",
    "table_settings",
    "source",
    "verdict",
    "text",
    "proxies",
    "traffic",
}

# The only places that may know these packages.
KNOWN_TO = {
    # Prefect's client raises its errors.
    "aiohttp": ("lake/crawl/",),
    "httpx": ("lake/crawl/", "blocks/limit.py"),
    "boto3": ("lake/objects.py", "blocks/credentials.py", "flows/deploy/pulled.py"),
    "duckdb": ("lake/read/",),
    "botocore": (
        "lake/objects.py",
        "lake/store.py",
        "lake/answers.py",
        "lake/catalog/glue.py",
        "blocks/credentials.py",
        "flows/deploy/doctor/denied.py",
        "flows/deploy/ending.py",
        "flows/deploy/pulled.py",
        "flows/deploy/stack.py",
        "flows/deploy/task_definition.py",
    ),
    # What draws and fills the page of a snapshot.
    "drawsvg": ("lake/report/",),
    "jinja2": ("lake/report/",),
    "markupsafe": ("lake/report/",),
    "prefect": ("flows/", "blocks/"),
    # Extras, which need not be installed.
    "distributed": ("flows/steps/on_dask.py",),
    "prefect_dask": ("flows/steps/on_dask.py",),
    "prefect_ray": ("flows/steps/on_ray.py",),
    "ray": ("flows/steps/on_ray.py",),
    "prefect_aws": ("flows/", "blocks/"),
}


def broken_arrows(repository: Path) -> list[str]:
    """Return every import that points the wrong way, as ``file: imported module``."""
    broken = []
    for package in MAY_IMPORT:
        for source in sorted((repository / package).rglob("*.py")):
            path = source.relative_to(repository).as_posix()
            broken += [f"{path}: {name}" for name in imports(repository, source) if not _allowed(path, name)]
    return broken


def imports(repository: Path, source: Path) -> Iterator[str]:
    """Yield the full name of everything that a file imports."""
    for node in _statements(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = source.relative_to(repository).parts[: -node.level]
                base = ".".join([*package, base] if base else package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all statements within it; an import is none of the expressions, which are most of a file."""
    yield node
    for _, parts in ast.iter_fields(node):
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, (ast.stmt, ast.excepthandler, ast.match_case)):
                yield from _statements(part)


def _allowed(path: str, name: str) -> bool:
    package, imported = path.split("/")[0], name.split(".")
    if package == "tests":
        # What several test modules need is a helper, and lies in a module of its own.
        return imported[0] != "tests" or not any(part.startswith("test_") for part in imported)
    if imported[0] in KNOWN_TO:
        return path.startswith(KNOWN_TO[imported[0]])
    if imported[0] not in MAY_IMPORT:
        return True
    if imported[0] not in MAY_IMPORT[package]:
        return False
    room = imported[1] if len(imported) > 1 else "__init__"
    if package == imported[0] == "flows":
        return _goes_down(path, room)
    return package != "lake" or _stays_in_its_room(path, room)


def _goes_down(path: str, folder: str) -> bool:
    own = path.split("/")[1]
    return folder in FLOWS.get("verb" if own.endswith(".py") else own, {folder})


def _stays_in_its_room(path: str, room: str) -> bool:
    own = path.split("/")[1].removesuffix(".py")
    # `lake/__init__.py` is the door through which readers come.
    is_door = own == "__init__" and room == "read"
    return room in FOUNDATIONS or (own in ROOMS and room == own) or room in JOINED.get(own, ()) or is_door


def test_every_import_follows_the_arrows():
    assert broken_arrows(REPOSITORY) == []


def test_every_module_of_lake_is_a_room_or_a_foundation():
    """A new one must say which, or the arrows would not hold it."""
    modules = {path.stem for path in (REPOSITORY / "lake").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert modules - {"__init__", "__pycache__"} <= ROOMS | FOUNDATIONS


@pytest.mark.parametrize(
    ("path", "code", "name"),
    [
        ("lake/publish/audit.py", "from lake.tables import TABLES", "lake.tables.TABLES"),
        ("lake/publish/audit.py", "from lake import documents", "lake.documents"),
        ("lake/tables/pokeapi/pokemon.py", "from ...crawl import Client", "lake.crawl.Client"),
        ("lake/tables/pokeapi/pokemon.py", "def late():\n    import lake.publish.check", "lake.publish.check"),
        ("lake/documents.py", "from lake.crawl.shard import cut", "lake.crawl.shard.cut"),
        ("lake/store.py", "from lake.read import Lake", "lake.read.Lake"),
        ("lake/views/types.py", "from lake.read.query import query", "lake.read.query.query"),
        ("lake/views/types.py", "from lake.tables import TABLES", "lake.tables.TABLES"),
        ("lake/views/types.py", "import duckdb", "duckdb"),
        ("lake/read/query.py", "from lake.tables import TABLES", "lake.tables.TABLES"),
        ("lake/crawl/shard.py", "import lake", "lake"),
        ("lake/commit.py", "import lake.publish", "lake.publish"),
        ("lake/crawl/client.py", "import flows.steps.crawl", "flows.steps.crawl"),
        ("lake/crawl/client.py", "from prefect import flow", "prefect.flow"),
        ("lake/read/lake.py", "import boto3", "boto3"),
        ("lake/cli/read.py", "from flows.cli.options import located", "flows.cli.options.located"),
        ("lake/cli/read.py", "from lake.publish import verify", "lake.publish.verify"),
        ("lake/report/page.py", "from lake.publish import verify", "lake.publish.verify"),
        ("lake/report/page.py", "from lake.views import VIEWS", "lake.views.VIEWS"),
        (
            "lake/report/page.py",
            "from prefect.artifacts import create_link_artifact",
            "prefect.artifacts.create_link_artifact",
        ),
        ("lake/read/lake.py", "from lake.report import make_page", "lake.report.make_page"),
        ("lake/read/lake.py", "import drawsvg", "drawsvg"),
        ("lake/catalog/database.py", "from lake.read import Lake", "lake.read.Lake"),
        ("lake/catalog/table.py", "import botocore", "botocore"),
        ("lake/publish/garbage.py", "from lake.catalog import register", "lake.catalog.register"),
        ("lake/read/lake.py", "from lake.cli.say import say", "lake.cli.say.say"),
        ("lake/publish/snapshot.py", "from botocore.config import Config", "botocore.config.Config"),
        ("flows/local/replica/app.py", "import httpx", "httpx"),
        ("flows/steps/crawl.py", "import httpx", "httpx"),
        ("blocks/storage.py", "from flows.steps import crawl", "flows.steps.crawl"),
        ("lake/crawl/cut.py", "from lake.assemble import merge", "lake.assemble.merge"),
        ("lake/assemble/merge.py", "from prefect import task", "prefect.task"),
        ("lake/assemble/merge.py", "from lake.read import Lake", "lake.read.Lake"),
        ("lake/assemble/merge.py", "from flows.steps import results", "flows.steps.results"),
        ("flows/steps/start.py", "from flows.refresh import refresh", "flows.refresh.refresh"),
        ("flows/refresh.py", "from flows.local.stack import Stack", "flows.local.stack.Stack"),
        ("flows/deploy/pool.py", "import flows.cli.options", "flows.cli.options"),
        ("tests/flows/test_kill.py", "from tests.flows.test_drift import story", "tests.flows.test_drift.story"),
        ("tests/flows/chain.py", "from . import test_drift", "tests.flows.test_drift"),
    ],
)
def test_a_broken_arrow_is_found(tmp_path, path, code, name):
    source = tmp_path / path
    source.parent.mkdir(parents=True)
    source.write_text(code)
    assert broken_arrows(tmp_path) == [f"{path}: {name}"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("lake/tables/pokeapi/pokemon.py", "from lake.tables.members import url_id\nfrom lake.schema import Table"),
        ("lake/publish/snapshot.py", "from . import check\nfrom ..store import Store"),
        ("lake/crawl/client.py", "import httpx"),
        ("lake/__init__.py", "from lake.read import Lake"),
        ("lake/read/ready.py", "from lake.views import VIEWS"),
        ("blocks/storage.py", "from prefect_aws import S3Bucket\nfrom lake.store import Store"),
        ("lake/assemble/merge.py", "from lake.crawl import Shard\nfrom lake.publish import TableWriter"),
        ("flows/cli/__init__.py", "from flows.local.demo import run\nfrom flows.deploy.pool import Pool"),
        ("flows/steps/crawl.py", "from lake.crawl import Client\nfrom blocks.storage import open_store"),
        ("tests/flows/test_kill.py", "from tests.flows.lakeside import asked\nfrom httpx import get"),
    ],
)
def test_an_arrow_that_follows_the_design_passes(tmp_path, path, code):
    source = tmp_path / path
    source.parent.mkdir(parents=True)
    source.write_text(code)
    assert broken_arrows(tmp_path) == []
