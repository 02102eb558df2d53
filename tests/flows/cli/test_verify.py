"""`pokelake verify`: what it prints of a whole lake and of a damaged one, without Prefect, and with which exit code."""

import itertools
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from flows.local.replica import demo_documents
from lake.layout import snapshot_folder
from lake.store import Store
from tests.lake.assemble.lakeside import Lakeside, only
from tests.lake.assemble.repairing import repair
from tests.lake.publish.killing import NEW, OLD
from tests.lake.publish.littering import chain, flip, put

LAKE = ("--bucket", "lake", "--prefix", "pokelake")
FILE = f"{snapshot_folder(NEW)}types/part-0.parquet"

Ran = Callable[..., tuple[int, str, str]]


def test_a_whole_lake_is_one_line(ran: Ran, store: Store):
    chain(store, 40, 20)
    code, out, err = ran("verify", *LAKE)
    assert (code, err) == (0, "")
    assert out.startswith(f"whole: 4 files of {NEW}, ")
    assert out.endswith(" bytes, read against the commit; 2 commits in the chain\n")
    assert "whole: 8 files of 2 snapshots, " in ran("verify", "--all", *LAKE)[1]
    assert f"whole: 4 files of {OLD}, " in ran("verify", "--as-of", OLD, *LAKE)[1]


def test_damage_is_told_in_paragraphs_and_ends_with_exit_code_1(ran: Ran, store: Store):
    chain(store, 40, 20)
    store.delete([FILE])
    code, out, err = ran("verify", *LAKE)
    assert (code, out) == (1, "")
    assert f"\n- {store.uri(FILE)}: expected an object, found none; run `pokelake verify --repair " in err


def test_a_damaged_snapshot_that_is_asked_for_is_an_error_although_a_later_one_has_repaired_it(ran: Ran, store: Store):
    lake = Lakeside(store)
    old = lake.fill(only(demo_documents(), "type", "nature"))
    gone, spoilt = (next(key for key in old.sizes() if f"/{name}/" in key) for name in ("types", "natures"))
    store.delete([gone])
    flip(store, spoilt)
    new = repair(store)
    assert new is not None

    code, out, err = ran("verify", "--as-of", old.snapshot, *LAKE)
    assert (code, out) == (1, "")
    assert f"damaged: 2 findings in {store.uri()} (1 missing, 1 content); " in err
    for key in (gone, spoilt):
        assert f"\n- {store.uri(key)}: expected " in err
    assert err.count(f"; repaired in {new.snapshot}; ") == 2
    code, out, _ = ran("verify", "--as-of", old.snapshot, "--json", *LAKE)
    assert (code, json.loads(out)["sound"], json.loads(out)["whole"]) == (1, False, False)

    code, out, err = ran("verify", "--all", *LAKE)
    assert (code, err) == (0, "")
    assert out.startswith("sound but for 2 damaged files of earlier snapshots, repaired since: ")
    assert out.count(f"; repaired in {new.snapshot}; ") == 2
    code, out, err = ran("verify", *LAKE)
    assert (code, err) == (0, "")
    # What is missing is seen in a listing, whichever snapshot is read.
    assert out.startswith(f"whole: {len(new.sizes())} files of {new.snapshot}, ")
    assert f"\n- {store.uri(gone)}: expected an object, found none; repaired in {new.snapshot}; " in out


def test_json_has_all_that_was_found_and_the_same_exit_code(ran: Ran, store: Store):
    chain(store, 40, 20)
    put(store, "snapshots/20260809T041200Z-00000000/types/part-0.parquet", ago=timedelta(hours=1))
    code, out, _ = ran("verify", "--json", *LAKE)
    assert (code, json.loads(out)["sound"], len(json.loads(out)["foreign"])) == (0, True, 1)
    store.delete([FILE])
    code, out, err = ran("verify", "--json", *LAKE)
    said = json.loads(out)
    assert (code, err, said["sound"], said["snapshots"]) == (1, "", False, [NEW])
    [damage] = said["damaged"]
    assert {name: damage[name] for name in ("kind", "where", "expected", "found", "table")} == {
        "kind": "missing",
        "where": store.uri(FILE),
        "expected": "an object",
        "found": "none",
        "table": "types",
    }


def test_a_young_leftover_is_named(ran: Ran, store: Store):
    chain(store, 40, 20)
    put(store, "snapshots/20260809T041200Z-00000000/types/part-0.parquet", ago=timedelta(hours=1))
    code, out, _ = ran("verify", *LAKE)
    assert code == 0
    assert "snapshots/20260809T041200Z-00000000/: 1 object with 1 byte that no commit names" in out


def test_a_snapshot_and_all_of_them_exclude_each_other(ran: Ran, store: Store):
    assert ran("verify", "--all", "--as-of", OLD, *LAKE)[0] == 2
    assert ran("verify", "--repair", "--as-of", OLD, *LAKE)[0] == 2
    assert "nothing was ever published" in ran("verify", "--as-of", OLD, *LAKE)[2]


def test_help_breaks_no_line_before_the_terminal_does(ran: Ran, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = ran("verify", "--help")[1]
    lines = said[said.index("Exit code 1") :].split("\n \n")[0].splitlines()
    paragraph = [line.rstrip() for line in lines[: next(n for n, line in enumerate(lines) if not line.strip())]]
    # The first word of each line had no place in the line before.
    for line, after in itertools.pairwise(paragraph):
        assert len(f"{line} {after.split()[0]}") > 78
