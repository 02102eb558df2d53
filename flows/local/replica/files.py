"""Reading the files of PokeAPI's ``api-data`` repository from a folder or an archive."""

import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

File = tuple[str, bytes]
"""A path below ``api/v2/`` ("pokemon/25", "" for the root index) and the body of its index.json."""

INDEX = "index.json"
EXPECTED = "expected api/v2/<resource>/<id>/index.json as in PokeAPI's api-data repository"


class CorpusError(Exception):
    """What was given as a corpus is not one.

    ``where`` is the file, archive or document, ``problem`` what was expected there, what was found and what to do.
    """

    def __init__(self, where: str | Path, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = str(where)
        self.problem = problem


def read_files(path: Path) -> Iterator[File]:
    """Yield every index.json of a folder or tar archive.

    Raises:
        CorpusError: Nothing is there, or not such files, or the archive is damaged.
    """
    if path.is_dir():
        files = _read_folder(path)
    elif path.is_file():
        files = _read_archive(path)
    else:
        raise CorpusError(path, f"{EXPECTED}, a folder or a .tar.xz; there is nothing at this path")
    found_documents = False
    for name, body in files:
        found_documents = found_documents or "/" in name
        yield name, body
    if not found_documents:
        raise CorpusError(path, f"{EXPECTED}; found none")


def _read_folder(path: Path) -> Iterator[File]:
    root = next((path / below for below in ("data/api/v2", "api/v2") if (path / below).is_dir()), path)
    for folder, _, files in os.walk(root):
        if INDEX in files:
            name = os.path.relpath(folder, root).replace(os.sep, "/")
            yield "" if name == "." else name, Path(folder, INDEX).read_bytes()


def _read_archive(path: Path) -> Iterator[File]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                _, found, name = f"/{member.name}".partition("/api/v2/")
                content = archive.extractfile(member) if found and name.endswith(INDEX) else None
                if content is not None:
                    yield name.removesuffix(INDEX).strip("/"), content.read()
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        problem = f"expected a whole tar archive, found a damaged or other file ({error}); copy it again"
        raise CorpusError(path, problem) from error
