"""What a command says: text in which nothing is obeyed by a terminal, in whatever encoding the terminal has."""

import errno
import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lake.errors import LakeError
from lake.text import json_text, printable, shown

# Errors of a write for which there is no space, because of the disk, a quota or a limit.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# A table, unlike a message, is as long as it is asked to be.
NO_LIMIT = sys.maxsize


# What a shell makes of a reader of a pipe that has gone, such as `head`.
UNREAD = 141


def say(text: str = "", end: str = "\n") -> None:
    """Print lines to standard output."""
    emit([printable(text, NO_LIMIT) + end])


def remark(text: str) -> None:
    """Print lines to standard error; a terminal breaks them between words, so that a name can be copied."""
    text = printable(text, NO_LIMIT)
    if sys.stderr.isatty():
        from lake.cli.grid import wrapped

        text = "\n".join(wrapped(text, shutil.get_terminal_size().columns))
    print(text, file=sys.stderr)


def emit(parts: Iterable[str]) -> None:
    """Write text of which nothing is obeyed to standard output; if nobody reads it any more, the command ends."""
    with _while_read():
        for part in parts:
            sys.stdout.write(part)
        sys.stdout.flush()


@contextmanager
def _while_read() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        give_up_output()
        sys.exit(UNREAD)


def can_print(text: str) -> bool:
    """Tell whether standard output has codes for all characters of a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def say_json(text: str | Iterable[str]) -> None:
    """Print JSON to standard output; its escapes stand for what a terminal would obey or cannot show."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "cp65001")
    parts = [text] if isinstance(text, str) else text
    emit(json_text(part, is_ascii=not is_utf8) for part in parts)
    emit("\n")


def say_csv(parts: Iterable[str]) -> None:
    """Write CSV to standard output, which is UTF-8 whatever the locale says; a terminal obeys nothing of it."""
    if sys.stdout.isatty():
        emit(printable(part.replace("\r\n", "\n"), NO_LIMIT) for part in parts)
        return
    _write(part.encode(errors="backslashreplace") for part in parts)


def say_document(body: bytes) -> None:
    """Write a document to standard output: byte for byte, except that a terminal obeys nothing of it."""
    if sys.stdout.isatty():
        say_json(body.decode(errors="backslashreplace"))
        return
    _write([body])


def _write(parts: Iterable[bytes]) -> None:
    with _while_read():
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


def give_up_output() -> None:
    """Drop what standard output still holds; Python would try once more to write it, and end with a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape_what_has_no_code() -> None:
    """Let both streams write an escape for a character that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def given_arguments() -> list[str]:
    """Return the arguments of the command, which are UTF-8 whatever the locale says.

    Raises:
        LakeError: One of them is not.
    """
    try:
        return [os.fsencode(argument).decode() for argument in sys.argv[1:]]
    except UnicodeDecodeError as error:
        raise LakeError(f"arguments: expected UTF-8, found {shown(repr(error.object))}") from error
