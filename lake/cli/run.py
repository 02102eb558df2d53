"""How a command runs: its arguments, its version, and its end by an error or by Ctrl-C."""

import gc
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lake.cli.say import FULL, escape_what_has_no_code, give_up_output, given_arguments, remark, say
from lake.errors import LakeError
from lake.text import printable

# What a shell makes of Ctrl-C.
INTERRUPTED = 130

# What is said of a command that was interrupted; the others just stop.
_AFTERWARDS = dict.fromkeys(("refresh", "discover"), "; the next run goes on from here")


class Commands(TyperGroup):
    """Typer's commands, except that bad usage is quoted so that nothing of it is obeyed."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command whose help has each paragraph in one line; of a docstring, all but the first have breaks."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.help:
            command.help = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
        return command

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Read the arguments of the command itself."""
        return _quoting(super().make_context, *given, **more)

    def invoke(self, ctx: Any) -> Any:
        """Read the arguments of one of the commands, and run it; Ctrl-C ends it with one line."""
        try:
            return _quoting(super().invoke, ctx)
        except KeyboardInterrupt:
            remark(f"pokelake: stopped{_AFTERWARDS.get(ctx.invoked_subcommand, '')}")
            sys.exit(INTERRUPTED)


def _quoting(call: Any, *given: Any, **more: Any) -> Any:
    try:
        return call(*given, **more)
    except Exception as error:
        # Typer's errors of usage alone have both.
        if hasattr(error, "format_message") and isinstance(getattr(error, "message", None), str):
            error.message = printable(error.message)  # type: ignore[attr-defined]
        raise


def typer_app(commands: type[Commands], sentence: str) -> typer.Typer:
    """Return an app without commands, which `sentence` describes; it says its version."""
    app = typer.Typer(
        cls=commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=sentence
    )

    @app.callback()
    def _options(
        is_asked: Annotated[
            bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_say_version)
        ] = False,
    ) -> None: ...

    return app


def _say_version(is_asked: bool) -> None:
    if not is_asked:
        return
    try:
        say(f"pokelake {version('pokelake')}")
    except PackageNotFoundError:
        say("pokelake, from a folder in which it is not installed")
    raise typer.Exit


def _own(error: Exception, verb: str) -> str | None:
    return str(error) if isinstance(error, LakeError) else None


def run(
    command: Callable[[], Any],
    arguments: list[str] | None = None,
    explain: Callable[[Exception, str], str | None] = _own,
) -> Any:
    """Run a command; print an error of the world as one paragraph on standard error, and exit with code 1.

    `explain` returns that paragraph, given an error and the verb that met it, or nothing if the error is none of the
    world: it is raised.
    """
    escape_what_has_no_code()
    given = list[str]()
    try:
        given = given_arguments() if arguments is None else arguments
        return command()(given)
    except Exception as error:
        said = explain(error, given[0] if given else "")
        if isinstance(error, OSError) and error.errno in FULL:
            give_up_output()
            said = f"the disk is full ({error}): free some space there, and run the command again"
        if said is None:
            raise
    # The error has gone by now, and with it all that its frames held. Arrow's threads, if they were let go of only as
    # Python ends, would abort it.
    gc.collect()
    remark(f"pokelake: {said}")
    sys.exit(1)
