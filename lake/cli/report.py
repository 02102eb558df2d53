"""The command that makes the page of a snapshot: a file on this machine, and if it is asked for, one in the bucket."""

import os
import re
import webbrowser
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from lake.bucket import LAKE_BLOCK
from lake.cli.options import AsOf, Bucket, LakeBlock, Prefix
from lake.cli.read import open_lake
from lake.cli.say import FULL, remark, say
from lake.errors import LakeError
from lake.layout import report_key

app = typer.Typer()

# A path has one slash left of an address such as s3://lake.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)

# So much of a page has its title.
_HEAD, _TITLE = 4_096, b"<title>Snapshot "


@app.command()
def report(
    pokemon: Annotated[
        str | None, typer.Option(help="Slug or id of the Pokémon that it shows closely. Default: the newest one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: pokelake-<snapshot>.html in this folder.")
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the file in the browser.")] = False,
    is_kept: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep it in the bucket as well, as the flow does; you must be allowed to write there."
        ),
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", help="With --keep: replace the page that is kept there.")] = False,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
) -> None:
    """Write the page of a snapshot, one file of HTML: what is in it, what changed, and what its Pokémon are like.

    It only reads the lake, unless --keep is given.
    """
    if anew and not is_kept:
        raise typer.BadParameter("pass --keep as well", param_hint="--anew")
    from lake.report import make_page
    from lake.report.keep import keep

    if out is not None:
        _require_page(out)
    source = open_lake(lake, bucket, prefix)
    commit, page = make_page(source, as_of, pokemon)
    path = out or Path(f"pokelake-{commit.snapshot}.html")
    _require_page(path)
    _write(path, page)
    say(f"wrote the page of {commit.snapshot} into {path}: {len(page) / 1000:,.0f} kB")
    if is_opened and not webbrowser.open(path.resolve().as_uri()):
        remark(f"found no browser; open {path} yourself")
    if is_kept:
        key = report_key(commit.snapshot)
        if keep(source.store, commit.snapshot, page, anew):
            say(f"kept it as {source.store.uri(key)}; browsers find it at {source.store.page(key)}")
        else:
            remark(f"{source.store.uri(key)} is there already and stays; --anew replaces it")


def _require_page(path: Path) -> None:
    """Refuse a place where something lies that is no page of a snapshot; a page, or an empty file, is replaced.

    Raises:
        LakeError: Something else lies there.
    """
    if _ADDRESS.match(str(path)):
        address = str(path).replace(":/", "://", 1)
        raise LakeError(
            f"--out: expected a file of this machine, found {address}; --keep puts the page into the bucket"
        )
    if path.is_dir():
        raise LakeError(f"--out {path}: expected a file, found a folder")
    try:
        if path.exists() and not (path.is_file() and _may_be_replaced(path)):
            raise LakeError(f"--out {path}: a file that is no page of a snapshot is there, and stays; name another")
    except OSError as error:
        raise LakeError(f"--out {path}: {error.strerror or error}") from error


def _may_be_replaced(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD).lstrip()
    return not head or (head.startswith(b"<!doctype html>") and _TITLE in head)


def _write(path: Path, page: bytes) -> None:
    """Write a file whole or not at all; a page that is there is replaced.

    Raises:
        LakeError: It cannot be written.
    """
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as part:
            try:
                part.write(page)
                part.flush()
                os.chmod(part.name, 0o666 & ~_umask())
                os.replace(part.name, path)
            except BaseException:
                os.unlink(part.name)
                raise
    except OSError as error:
        if error.errno in FULL:
            raise
        raise LakeError(f"--out {path}: {error.strerror or error}") from error


def _umask() -> int:
    """Return which rights new files lack; there is no other way to ask than to set it."""
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
