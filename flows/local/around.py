"""The end of the demo on a terminal: its lake stays until somebody has looked around in it."""

import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# What another terminal needs of the stack's environment, a line each.
_EXPORTS = (("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"), ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))

# Columns of a terminal, less the indent.
_WIDTH = 77


def look_around(environment: Mapping[str, str], bucket: str, prefix: str, first: str | None) -> None:
    """Print commands that read the lake, and wait for Enter; without a terminal, say how to get a lake that stays.

    `first` is a snapshot that is not the current one.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("\nOn a terminal the demo keeps its lake until you press Enter; `make up` runs one until Ctrl-C.")
        return
    print("\n7. Look around: in another terminal, in this folder\n")
    for line in commands(environment, bucket, prefix, first):
        print(f"   {line}")
    print("\nA Jupyter that is started there runs notebooks/first-look.ipynb on this lake.")
    print("`make up` runs a lake until Ctrl-C. Press Enter to stop this one.", flush=True)
    with suppress(KeyboardInterrupt):
        sys.stdin.readline()


def commands(environment: Mapping[str, str], bucket: str, prefix: str, first: str | None) -> list[str]:
    """Return lines for a shell that read the lake by the command that this process was called as."""
    lines = [
        " ".join(["export", *(f"{name}={shlex.quote(environment[name])}" for name in names)]) for names in _EXPORTS
    ]
    asked = [
        ("columns", "pokemon_wide"),
        ("sql", "'SELECT name, speed FROM pokemon_wide ORDER BY speed DESC LIMIT 3'"),
        ("read", "evolutions --where 'from_species == eevee' --columns to_species,conditions"),
        *([("diff", f"moves {first}")] if first else []),
        ("report", "--pokemon pikachu"),
        ("export", "pokeapi.duckdb"),
    ]
    for verb, rest in asked:
        call = f"{shlex.quote(_called())} {verb} --bucket {bucket} --prefix {prefix}"
        lines += [f"{call} {rest}"] if len(call) + len(rest) < _WIDTH else [f"{call} \\", f"  {rest}"]
    return lines


def _called() -> str:
    """Return the command as it was called, which a shell in this folder finds as well."""
    return sys.argv[0] if Path(sys.argv[0]).name == "pokelake" else str(Path(sys.executable).with_name("pokelake"))
