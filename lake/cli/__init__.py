"""The command ``pokelake``: what reads a lake, and all that the flows do, where they lie beside this package."""

from importlib import import_module
from pathlib import Path
from typing import Any

# A checkout has the flows here. Site-packages has not, or has the ones of somebody else.
_BESIDE = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> Any:
    """Run the command, with the commands of the flows if these are Pokélake's own."""
    has_flows = all((_BESIDE / file).is_file() for file in ("flows/cli/__init__.py", "blocks/names.py"))
    return import_module("flows.cli" if has_flows else "lake.cli.readers").main(arguments)
