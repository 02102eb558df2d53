"""The command that registers a lake in Glue: what it prints, and how it ends."""

from collections.abc import Callable

import boto3
import pytest

from lake.cli.readers import main
from lake.read import Lake
from lake.store import Store
from tests.lake.catalog import snapshots_of
from tests.lake.read import FIRST, SECOND
from tests.lake.read.conftest import filled

CATALOG = "123456789012.us-east-1.pokemon"

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(store: Store, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Return a function that runs the command on a lake of two snapshots: its exit code, and both streams."""
    filled(store)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["catalog", "--bucket", "lake", "--prefix", "pokelake", *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_it_registers_the_current_snapshot_or_another_and_drops_both(ran: Ran):
    tables = len(Lake("s3://lake/pokelake").tables())
    assert ran("--database", "pokemon") == (0, f"{CATALOG} shows {SECOND}: {tables} tables created\n", "")
    code, out, err = ran("--database", "pokemon", "--as-of", "2026-07-06")
    assert (code, set(snapshots_of("pokemon").values()), err) == (0, {FIRST}, "")
    assert out.startswith(f"{CATALOG} shows {FIRST}: ")
    code, out, err = ran("--database", "pokemon", "--drop")
    assert (code, out.endswith("and the database, which has nothing else; no file was touched\n"), err) == (0, True, "")
    assert boto3.client("glue").get_databases()["DatabaseList"] == []


def test_what_is_of_somebody_else_is_named_and_the_exit_code_is_1(ran: Ran):
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "pokemon"})
    glue.create_table(DatabaseName="pokemon", TableInput={"Name": "moves"})
    code, out, err = ran("--database", "pokemon")
    assert (code, out.endswith("; 1 table not registered\n")) == (1, True)
    assert err.startswith(
        "- table moves in database pokemon of Glue in us-east-1 is not one that pokelake made, and was"
    )
    assert len(err.splitlines()) == 1


def test_wrong_usage_and_a_database_that_is_not_there_are_said(ran: Ran, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, _, err = ran("--database", "pokemon", "--drop", "--as-of", FIRST)
    assert (code, "--drop takes out all tables, whatever they show; omit --as-of" in err) == (2, True)
    said = "pokelake: there is no database pokemon of Glue in us-east-1\n"
    assert ran("--database", "pokemon", "--drop") == (1, "", said)
    assert ran("--database", "my-lake")[2].startswith("pokelake: database 'my-lake': expected a name of small letters")
