"""The command of an install that only reads."""

from functools import cache
from typing import Any

import typer

from lake.cli import catalog, read, report
from lake.cli.run import Commands, run, typer_app
from lake.errors import LakeError

# The commands of the flows, which a checkout has.
OF_FLOWS = frozenset(
    (
        "approve",
        "demo",
        "deploy-image",
        "discover",
        "doctor",
        "iam-policy",
        "image-tag",
        "maintain",
        "plan",
        "push",
        "rebuild",
        "refresh",
        "replica",
        "restore",
        "rollback",
        "runs",
        "serve",
        "setup",
        "status",
        "teardown",
        "tell",
        "try-source",
        "up",
        "verify",
    )
)


class ReadersCommands(Commands):
    """The commands that read; of each other one it is said where it is to be had."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command.

        Raises:
            LakeError: It is a command of the flows.
        """
        if cmd_name in OF_FLOWS:
            raise LakeError(
                f"{cmd_name} is a command of Pokélake's flows, and this install only reads: `make demo` in a checkout"
                f" installs them, and there it is `.venv/bin/pokelake {cmd_name}`"
            )
        return super().get_command(ctx, cmd_name)


app = typer_app(
    ReadersCommands, "Reads a lake of Pokélake: whole snapshots of typed Parquet tables, today's and earlier ones."
)
app.add_typer(read.app)
app.add_typer(report.app)
app.add_typer(catalog.app)


@cache
def _command() -> Any:
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> Any:
    """Run one of the commands that read."""
    return run(_command, arguments)
