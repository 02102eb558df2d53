"""Whether a failed crawl may go well when it starts again: its error says so."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from httpx import HTTPStatusError, Request, Response
from prefect.client.schemas import FlowRun
from prefect.states import Completed, Failed

from flows.discover import discover
from flows.refresh import refresh
from flows.steps import again
from flows.steps.again import may_go_well, say_whether_again
from lake.errors import (
    BudgetError,
    ConflictError,
    DamagedObjectError,
    LakeError,
    PublishError,
    SourceDownError,
    SourceError,
    StoreDownError,
    StoreError,
    TableError,
    UnknownNameError,
)

ASKED = Request("GET", "http://127.0.0.1:4200/api/")


@pytest.mark.parametrize(
    "error",
    [
        SourceError("x"),
        SourceDownError("x"),
        StoreDownError("x"),
        ConflictError("s3://lake/x"),
        LakeError("the Prefect API has not answered for 15 minutes", may_pass=True),
        HTTPStatusError("x", request=ASKED, response=Response(503, request=ASKED)),
        TimeoutError(),
        OSError(),
    ],
)
def test_what_passes_by_itself_may_go_well(error: Exception):
    assert may_go_well(error)


@pytest.mark.parametrize(
    "error",
    [
        BudgetError("x"),
        SourceError("https://pokeapi.co/api/v2/: could not be reached: status 401", may_pass=False),
        HTTPStatusError("x", request=ASKED, response=Response(401, request=ASKED)),
        StoreError("there is no bucket 'x'"),
        DamagedObjectError("x", "0" * 64),
        PublishError("x", None, ["shrink"]),
        UnknownNameError("table", "x"),
        TableError("x"),
        AssertionError(),
        KeyError("x"),
        MemoryError(),
        Completed(message="no error at all"),
    ],
)
def test_what_somebody_must_mend_cannot(error: object):
    assert not may_go_well(error)


@pytest.mark.parametrize(
    ("deployment", "error", "is_said"),
    [(uuid4(), SourceDownError("x"), True), (uuid4(), TableError("x"), False), (None, SourceDownError("x"), False)],
)
def test_only_a_run_of_a_deployment_says_so(
    deployment: Any, error: Exception, is_said: bool, monkeypatch: pytest.MonkeyPatch
):
    """Nothing starts another one again."""
    said: list[FlowRun] = []
    monkeypatch.setattr(again, "report_may_go_well", said.append)
    run: Any = SimpleNamespace(deployment_id=deployment)
    say_whether_again(None, run, Failed(data=error))
    assert said == ([run] if is_said else [])


def test_both_crawls_say_so():
    assert all(say_whether_again in crawl.on_failure_hooks for crawl in (refresh, discover))
