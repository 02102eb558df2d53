"""What the log of a run has of errors and of the library, seen without a server."""

import json
import logging
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect._internal.states import exception_to_failed_state_sync
from prefect.filesystems import LocalFileSystem
from prefect.logging.configuration import DEFAULT_LOGGING_SETTINGS_PATH, load_logging_config
from prefect.logging.formatters import JsonFormatter
from prefect.results import ResultStore
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.steps import logs
from flows.steps.logs import harmless, run_log
from flows.steps.results import PLAIN_JSON
from lake.crawl import Fetcher, Source
from lake.errors import LakeError, SourceError, StoreError
from tests.docs import REPOSITORY

RUNS, TASKS, ENGINE = (logging.getLogger(f"prefect.{name}") for name in ("flow_runs", "task_runs", "engine"))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what would be sent to the log of a run."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("prefect.logging.handlers.emit_api_log", sent.append)
    for log in (RUNS, TASKS, ENGINE):
        monkeypatch.setattr(log, "level", logging.INFO)
    RUNS.manager._clear_cache()  # type: ignore[attr-defined]
    return sent


def refused(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "https://prefect.test/api/")
    return httpx.HTTPStatusError(f"status {status}", request=request, response=httpx.Response(status))


def fail(error: Exception) -> None:
    try:
        raise error
    except Exception:
        RUNS.exception("Encountered exception during execution: %r", error, extra={"flow_run_id": str(uuid4())})


def test_our_own_error_is_its_paragraph_and_any_other_has_its_traceback(said: list[dict[str, Any]]):
    with run_log(uuid4()):
        fail(StoreError("s3://lake: there is no bucket 'lake'; create it or name another"))
        fail(ZeroDivisionError("division by zero"))
        RUNS.info(
            "Finished in state Failed('Flow run encountered an exception: …')", extra={"flow_run_id": str(uuid4())}
        )
    first, second, third = (line["message"] for line in said)
    assert first == "s3://lake: there is no bucket 'lake'; create it or name another"
    assert "Traceback (most recent call last)" in second
    assert third == "Finished in state Failed"


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (refused(401), "Prefect's API refuses the key of this run (status 401): save the valid one where "),
        (refused(503), "Prefect's API cannot be used (HTTPStatusError: "),
        (httpx.ConnectError("refused"), "Prefect's API cannot be used (ConnectError: refused): look whether "),
    ],
)
def test_a_run_that_ends_because_of_prefects_api_says_so_in_one_paragraph(
    said: list[dict[str, Any]], error: Exception, begins: str, caplog: pytest.LogCaptureFixture
):
    """Whose last words are beside the run's log, because that cannot be sent."""
    with run_log(uuid4()):
        try:
            raise error
        except httpx.HTTPError:
            RUNS.exception("Engine execution exited with unexpected exception", extra={"flow_run_id": str(uuid4())})
            ENGINE.addHandler(caplog.handler)
            ENGINE.exception("Execution of flow run %r exited with unexpected exception", "1")
            ENGINE.removeHandler(caplog.handler)
    assert said == []
    record = next(record for record in caplog.records if record.name == ENGINE.name)
    assert record.getMessage().startswith(begins)
    assert "goes on from what it fetched" in record.getMessage()
    assert record.exc_info is None


def test_a_task_that_fails_says_neither_that_its_error_is_no_json_nor_that_its_run_is_over(
    said: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Six tasks of a run that was cancelled would say both."""
    log = logging.LoggerAdapter(TASKS, {"flow_run_id": str(uuid4())})
    monkeypatch.setattr("prefect._internal.states.get_run_logger", lambda: log)
    results = ResultStore(result_storage=LocalFileSystem(basepath=str(tmp_path)), serializer=PLAIN_JSON)

    def end(error: LakeError) -> None:
        state = exception_to_failed_state_sync(
            error, results, write_result=True, message="Task run encountered an exception"
        )
        log.error("Finished in state %s", state)

    TASKS.removeFilter(logs._PLAIN)
    end(SourceError("the source is down"))
    assert [line["message"].split(": ")[0] for line in said] == [
        "Failed to write result",
        "Finished in state Failed('Task run encountered an exception SourceError",
    ]
    said.clear()
    fetcher = Fetcher(Source())
    fetcher.close()
    with run_log(uuid4()):
        end(SourceError("the source is down"))
        with pytest.raises(SourceError) as closed:
            fetcher.require_open()
        end(closed.value)
    assert [line["message"] for line in said] == ["Finished in state Failed"]


def test_what_the_library_logs_is_in_the_log_of_the_run_also_from_a_thread_without_one(said: list[dict[str, Any]]):
    run = uuid4()
    library = logging.getLogger("lake.accept")
    with run_log(run):
        library.info("passed over")
    library.warning("after the run")
    assert [(line["flow_run_id"], line["name"], line["message"]) for line in said] == [
        (str(run), "lake.accept", "passed over")
    ]


def test_a_silent_run_lowers_no_level_of_the_library(monkeypatch: pytest.MonkeyPatch):
    """As a command is: what the library warns of is printed as ever."""
    monkeypatch.setattr(RUNS, "level", logging.CRITICAL)
    RUNS.manager._clear_cache()  # type: ignore[attr-defined]
    with run_log(uuid4()):
        assert logging.getLogger("lake").getEffectiveLevel() == logging.WARNING


def test_the_settings_in_the_handbook_make_of_each_line_a_json_object(monkeypatch: pytest.MonkeyPatch):
    page = (REPOSITORY / "docs/operate.md").read_text()
    settings = dict(re.findall(r"^(PREFECT_LOGGING_HANDLERS_CONSOLE_\w+): (.+)$", page, re.MULTILINE))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config = load_logging_config(DEFAULT_LOGGING_SETTINGS_PATH)
    console = config["handlers"]["console"]
    assert (console["formatter"], console["stream"]) == ("json", "ext://sys.stdout")
    assert config["formatters"]["json"]["class"] == "prefect.logging.formatters.JsonFormatter"
    record = RUNS.makeRecord(RUNS.name, logging.INFO, "", 0, "building tables", (), None, extra={"flow_run_id": "1"})
    [line] = JsonFormatter("default", "", "%").format(record).splitlines()
    said = json.loads(line)
    assert (said["msg"], said["levelname"], said["flow_run_id"]) == ("building tables", "INFO", "1")


def test_what_only_tells_is_tried_a_few_times_whatever_a_run_itself_would_wait():
    """A container's client asks again for 17 minutes."""
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 9}):
        for _ in range(2):
            with harmless("the numbers of the run"):
                assert PREFECT_CLIENT_MAX_RETRIES.value() == 2
            assert PREFECT_CLIENT_MAX_RETRIES.value() == 9


def test_what_cannot_be_told_is_a_warning(monkeypatch: pytest.MonkeyPatch):
    notes: list[tuple[str, int]] = []
    monkeypatch.setattr(logs, "note", lambda message, level: notes.append((message, level)))
    with harmless("the numbers of the run"):
        raise LakeError("the API is away")
    assert notes == [
        ("the numbers of the run could not be told to Prefect: LakeError: the API is away", logging.WARNING)
    ]
