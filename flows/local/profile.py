"""A profile in Prefect's file of profiles, by which other shells reach a stack; all else in the file stays as it is.

The file is changed as text, because Prefect's own way to write it drops comments.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from flows.local.stack import answers
from lake.errors import LakeError


def profiles_path() -> Path:
    """Return the file in which Prefect keeps this user's profiles."""
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect")
    # It may be a link to where its owner keeps such files.
    return Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser().resolve()


@contextmanager
def written_profile(path: Path, wanted: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Keep a profile in a file while the block runs; yield its name, which ends in a number if the wanted one is taken.

    A profile whose server would be on this machine and does not answer was left by a stack that was killed; this one
    takes its place.

    Raises:
        LakeError: The file is no TOML.
    """
    there = _profiles(path)
    name = next(tried for tried in _names(wanted) if _is_free(there.get(tried)))
    kept = _without(_text(path), name)
    lines = [f"[profiles.{name}]", *(f'{key} = "{value}"' for key, value in settings.items()), ""]
    # An empty line parts it from what stands before.
    _write(path, kept + "\n" * (2 - kept[-1:].count("\n") if kept else 0) + "\n".join(lines))
    try:
        yield name
    finally:
        # Somebody may have changed the file meanwhile.
        with suppress(LakeError):
            if _profiles(path).get(name) == settings:
                _write(path, _without(_text(path), name))


def _names(wanted: str) -> Iterator[str]:
    yield wanted
    yield from (f"{wanted}-{number}" for number in count(2))


def _is_free(profile: Mapping[str, Any] | None) -> bool:
    url = str((profile or {}).get("PREFECT_API_URL", ""))
    return profile is None or (url.startswith("http://127.0.0.1:") and not answers(f"{url}/health"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _profiles(path: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = tomllib.loads(_text(path)).get("profiles", {})
    except tomllib.TOMLDecodeError as error:
        raise LakeError(f"{path}: expected Prefect's profiles as TOML: {error}; mend it, or move it away") from error
    return found


def _without(text: str, name: str) -> str:
    """Return the text of a file of profiles without one of them, and without the empty line before it."""
    return re.sub(rf"\n?^\[profiles\.{re.escape(name)}\]\n(?:[A-Z_]+ = .*\n?)*", "", text, flags=re.MULTILINE)


def _write(path: Path, text: str) -> None:
    """Write a file in one step, for its owner alone unless it is there already; one with nothing in it is removed."""
    if not text:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    if path.exists():
        part.chmod(path.stat().st_mode)
    part.replace(path)
