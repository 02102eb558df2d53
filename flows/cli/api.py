"""Trouble with Prefect's API, told to a person: where it was looked for, what came, and what to check.

A command asks the API once before anything else, because Prefect's client would go on asking for minutes.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from typing import TypeVar

from flows.cli.server import start_own
from flows.cli.settings import prepare_prefect
from lake.address import without_user
from lake.cli.say import remark
from lake.errors import LakeError
from lake.text import shown

_OURS = ("lake.", "flows.", "blocks.")

# The addresses of servers that this process has started for itself; such a one is up within this time, or given up.
_OWN = set[str]()
START_SECONDS = 120.0

# An answer comes within this time, or the API is given up. Prefect's client tries four times to connect.
ANSWER_SECONDS = 8.0
CONNECT_SECONDS = 2.5

# An API that is busy or being started is asked again until this long after the first time.
BUSY_SECONDS = 6
PAUSE_SECONDS = 2
_BUSY = {408, 429, 502, 503, 504}

# Errors of Prefect's client, when it asks an API of which nothing answers.
_AWAY = ("NetworkError", "TimeoutException", "ProxyError", "RemoteProtocolError")

# What these commands do is kept; all others only read, or begin anew.
_GOING_ON = {"refresh", "discover", "maintain", "setup", "push", "deploy-image", "teardown"}

_WHERE = "check PREFECT_API_URL, which ends in /api, or in /workspaces/ and an id on Prefect Cloud"


_T = TypeVar("_T")


class ApiError(LakeError):
    """Prefect's API cannot be used, and a command ends because of that; `why` is for one that goes on without it.

    `is_away` tells whether nothing answers there, and not that something refuses.
    """

    def __init__(self, why: str, advice: str, is_away: bool = False) -> None:
        super().__init__(f"{why}; {advice}")
        self.why, self.advice, self.is_away = why, advice, is_away


def tried(ask: Callable[[], _T], bucket: str | None) -> _T | ApiError:
    """Return what a question to Prefect's API gives, or what is wrong with the API.

    Raises:
        ApiError: Something is wrong, and without the API nobody knows where the lake lies, because no bucket is named.
    """
    try:
        return ask()
    except Exception as error:
        said = error if isinstance(error, ApiError) else api_error(error)
        if not isinstance(said, ApiError):
            raise
        if bucket is None:
            advice = f"{said.advice}; with --bucket and --prefix this command reads the lake without it"
            raise ApiError(said.why, advice, said.is_away) from error
        return said


def begin(verb: str) -> None:
    """Say on a terminal what begins, because it takes seconds to load Prefect, and until then nothing is seen."""
    if sys.stderr.isatty():
        remark(f"{verb}: loading Prefect …")


def reach_prefect(runs: bool = False) -> None:
    """Prepare Prefect's settings, and ask its API whether it is there; without an address, a command that `runs` a flow
    starts a server of its own.

    Raises:
        LakeError: The environment names a proxy that cannot be one.
        ApiError: What answers is no API of Prefect.
        HTTPError: The API does not answer, refuses, or is busy for too long; `api_error` tells it.
    """
    prepare_prefect()
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    answer_seconds = ANSWER_SECONDS
    if not get_current_settings().api.url:
        _require_profile()
        if not (runs and get_current_settings().server.ephemeral.enabled):
            return
        _start_own()
        answer_seconds = START_SECONDS
    until = time.monotonic() + BUSY_SECONDS
    # To connect, to read, to write, and for a connection of the pool.
    patience = {"timeout": (CONNECT_SECONDS, *[answer_seconds] * 3)}
    with get_client(patience, sync_client=True) as opened:
        client = opened._client
        # Every API of Prefect has this, asks for the key, and answers shortly; a wrong path has it not.
        request = client.build_request("GET", "/block_capabilities/")
        # Prefect's own `send` waits as long as a Retry-After says, even if it is told not to try again.
        send = super(type(client), client).send  # type: ignore[misc]
        while (answer := send(request)).status_code in _BUSY and time.monotonic() < until:
            time.sleep(PAUSE_SECONDS)
        answer.raise_for_status()
    try:
        answer.json()
    except ValueError as error:
        raise _trouble("answered, but not with JSON", _WHERE) from error


def _start_own() -> None:
    """Let a server start, and load meanwhile what all flows need."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    database = get_current_settings().server.database.connection_url
    assert database is not None, "Prefect's default is a file in its home"
    url = start_own(database.get_secret_value())
    _OWN.add(url)
    # Threads and processes find it as well.
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
    import flows.steps.watch  # noqa: F401


def _require_profile() -> None:
    """Raise if the environment names a profile that is not there: Prefect would start a server that nobody meant."""
    from prefect.settings import load_profiles

    name = os.environ.get("PREFECT_PROFILE")
    if name and name not in load_profiles().names:
        raise ApiError(
            f"PREFECT_PROFILE names {name!r}, and Prefect has no such profile: that of `pokelake up` ends with it",
            "`unset PREFECT_PROFILE`, or name another",
        )


def api_error(error: Exception) -> LakeError | None:
    """Return what a person must know of an error that Prefect's client met; None if it met none."""
    errors = list(_chain(error))
    # The last of a chain is the cause of all the others.
    cause = f"{type(errors[-1]).__name__}: {shown(' '.join(str(errors[-1]).split()))}"
    if any(_passed(one, "prefect.settings.") for one in errors):
        return LakeError(f"Prefect's settings cannot be read: {cause}; check the variables PREFECT_…, and its profile")
    if not any(type(one).__module__ == "httpx" or _passed(one, "prefect.client.") for one in errors):
        return None
    what, is_away = f"could not be used: {cause}", any(_is_away(one) for one in errors)
    check = "check that the server runs, PREFECT_API_URL, and HTTP_PROXY and NO_PROXY if they are set"
    for one in errors:
        if (status := getattr(getattr(one, "response", None), "status_code", None)) is not None:
            what, check = f"answered with status {status}", "check PREFECT_API_URL, and the log of the server"
            if status in (401, 403):
                check = "check PREFECT_API_KEY or PREFECT_API_AUTH_STRING, and PREFECT_API_URL"
            if status in (404, 405):
                check = _WHERE
            break
        if isinstance(one, JSONDecodeError):
            what, check = "answered, but not with JSON", _WHERE
            break
        if type(one).__name__ in ("ReadTimeout", "ConnectTimeout"):
            what = f"gave no answer in time ({type(one).__name__})"
    return _trouble(what, check, is_away)


def afterwards(error: LakeError, command: str) -> str:
    """Return what else a person must know of an error with which a command ended, nothing if it only reads."""
    is_kept = isinstance(error, ApiError) and command in _GOING_ON
    return ", and the same command goes on from what was done" if is_kept else ""


def _trouble(what: str, check: str, is_away: bool = False) -> ApiError:
    return ApiError(f"Prefect's API at {_api_url()} {what}; {check}", "`pokelake doctor` looks at it", is_away)


def _is_away(error: BaseException) -> bool:
    """Tell whether an error says that nothing answers: no connection, no answer in time, or a server in trouble."""
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return status >= 500 or any(kind.__name__ in _AWAY for kind in type(error).__mro__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _passed(error: BaseException, package: str) -> bool:
    """Tell whether an error came out of a package into our code, which no kind of error says of itself.

    What our own code raised passes through Prefect as well, on its way out of a flow.
    """
    trace, is_theirs = error.__traceback__, False
    while trace is not None:
        module = f"{trace.tb_frame.f_globals.get('__name__')}."
        if module.startswith(_OURS):
            is_theirs = False
        elif module.startswith(package):
            is_theirs = True
        trace = trace.tb_next
    return is_theirs


def _api_url() -> str:
    """Return the address of the API without a password."""
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if not url or url in _OWN:
        return "the address of its own server (PREFECT_API_URL is not set)"
    return shown(without_user(url))
