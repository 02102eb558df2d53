"""The command line: what it prints, and how it ends."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli.settings import QUIET
from flows.local.replica import Running, demo_documents
from lake.cli.show import parse_filter
from lake.commit import head
from lake.store import Store
from tests.lake.assemble.lakeside import Lakeside

LAKE = ("--bucket", "lake", "--prefix", "pokelake")
COMMAND = str(Path(sys.executable).with_name("pokelake"))


@pytest.fixture
def published(store: Store) -> Store:
    """Give the test a lake with one snapshot."""
    Lakeside(store).begin(demo_documents(), "pokemon", "pokemon-species")
    return store


def test_reading_commands_print_json(published: Store, ran: Callable[..., tuple[int, str, str]]):
    code, out, _ = ran("tables", *LAKE, "--json")
    assert code == 0
    assert {row["table"]: row["rows"] for row in json.loads(out)}["pokemon"] == 70
    [snapshot] = json.loads(ran("snapshots", *LAKE, "--json")[1])
    assert snapshot["documents"] == 137
    options = ("--where", "generation == 1", "--where", 'name in ["pikachu", "lugia"]', "--columns", "pokemon_id,name")
    _, out, _ = ran("read", "pokemon", *options, *LAKE, "--json")
    assert json.loads(out) == [{"pokemon_id": 25, "name": "pikachu"}]


def test_read_prints_some_rows_and_says_of_how_many(published: Store, ran: Callable[..., tuple[int, str, str]]):
    code, out, err = ran("read", "pokemon", "--limit", "2", *LAKE)
    assert code == 0
    assert "bulbasaur" in out
    assert "venusaur" not in out
    assert "2 of 70 rows" in err


def test_an_error_is_one_paragraph_and_exit_code_1(published: Store, ran: Callable[..., tuple[int, str, str]]):
    code, out, err = ran("read", "pokemons", *LAKE)
    assert (code, out) == (1, "")
    assert re.fullmatch(r"pokelake: no table 'pokemons'; there are: \d+ others\. Did you mean pokemon.*\?\n", err)
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("read",), ("nonsense",)])
def test_bad_usage_ends_with_exit_code_2(arguments: tuple[str, ...], ran: Callable[..., tuple[int, str, str]]):
    assert ran(*arguments)[0] == 2


def test_a_missing_bucket_is_named(store: Store, ran: Callable[..., tuple[int, str, str]]):
    code, _, err = ran("tables", "--bucket", "nowhere")
    assert code == 1
    assert "there is no bucket 'nowhere'" in err


def test_an_address_in_the_place_of_a_bucket_says_which_flags_are_meant(ran: Callable[..., tuple[int, str, str]]):
    for command in (("tables",), ("iam-policy", "task", "--account", "1", "--region", "eu-west-1")):
        code, out, err = ran(*command, "--bucket", "s3://lake/pokelake")
        assert (code, out) == (1, "")
        assert "expected the name of a bucket, found an address; pass --bucket lake --prefix pokelake" in err


def test_with_blocks_saved_no_flag_is_needed(
    prefect_server: dict[str, str], store: Store, running: Running, ran: Callable[..., tuple[int, str, str]]
):
    setup = ("setup", *LAKE, "--source", running.url, "--resources", "type")
    # Another test may have saved the same.
    assert ran(*setup)[0] == 0
    again = ran(*setup)[1]
    assert again.count("left") > 10
    assert not {"created", "changed"} & set(again.split())
    code, out, err = ran("refresh")
    assert (code, err) == (0, "")
    assert out.startswith("Completed: published ")
    assert "types" in ran("tables")[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--bucket", "nowhere"), "there is no bucket 'nowhere'"),
        (("--bucket", "s3://lake/pokelake"), "found an address; pass --bucket lake --prefix pokelake"),
        (("--resources", "pokemons", *LAKE), "no resource 'pokemons'"),
    ],
)
def test_a_refresh_that_fails_says_why(
    prefect_server: dict[str, str],
    store: Store,
    running: Running,
    ran: Callable[..., tuple[int, str, str]],
    options: tuple[str, ...],
    said: str,
):
    code, _, err = ran("refresh", "--source", running.url, *options)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert head(store) is None


def test_a_process_whose_refresh_fails_prints_no_traceback(prefect_server: dict[str, str], store: Store):
    """Not even at its end, when all that Prefect has started is stopped."""
    command = [COMMAND, "refresh", "--source", "http://127.0.0.1:9/api/v2/", "--retry-delay-seconds", "0.01", *LAKE]
    done = subprocess.run(command, env={**os.environ, **prefect_server}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "could not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert head(store) is None


def test_without_credentials_a_command_says_what_to_set(store: Store, monkeypatch: pytest.MonkeyPatch):
    hidden = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    hidden |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([COMMAND, "tables", *LAKE], env=hidden, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "no AWS credentials were found; set AWS_ACCESS_KEY_ID" in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("generation == 1", ("generation", "==", 1)),
        ("name = pikachu", ("name", "=", "pikachu")),
        ('name in ["a", "b"]', ("name", "in", ["a", "b"])),
        ("power >= 40.5", ("power", ">=", 40.5)),
        ("generation==1", ("generation", "==", 1)),
        ("accuracy<-1", ("accuracy", "<", -1)),
        ('name not  in ["mew"]', ("name", "not in", ["mew"])),
        ("main == in a cave", ("main", "==", "in a cave")),
        ("name == 'pikachu'", ("name", "==", "pikachu")),
        ("name == 'farfetch''d'", ("name", "==", "farfetch'd")),
        ("name not in ['pikachu', \"mew\", True]", ("name", "not in", ["pikachu", "mew", True])),
        ("name in ('pikachu', 'mew')", ("name", "in", ("pikachu", "mew"))),
        ("name == 'open", ("name", "==", "'open")),
        ("name == [open", ("name", "==", "[open")),
    ],
)
def test_filters_are_read_as_people_write_them(text: str, expected: tuple[str, str, Any]):
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    "text", ["generation", "name like m%", "name not mew", "name =< 1", "admin mew", "name ==", "index 3"]
)
def test_a_filter_that_cannot_be_read_is_bad_usage_and_lists_the_operators(
    text: str, ran: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, err = ran("read", "pokemon", "--where", text, *LAKE)
    assert (code, out) == (2, "")
    assert "with one of ==, =, !=, <, <=, >, >=, in, not in; found" in err


def test_prefects_own_client_counts_nothing(monkeypatch: pytest.MonkeyPatch):
    """It would ask a server that nobody named, and on a terminal print a notice about it."""
    from prefect._internal.analytics.enabled import is_telemetry_enabled

    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    assert not is_telemetry_enabled()
