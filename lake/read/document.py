"""One document as it was received, at any snapshot."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import reduce
from hashlib import sha256
from operator import and_, index
from typing import Any, SupportsIndex
from urllib.parse import quote, unquote

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.commit import Commit, DataFile
from lake.errors import LakeError, UnknownNameError, nearest
from lake.read.dataset import open_dataset
from lake.read.files import fetch
from lake.read.history import table_of
from lake.store import Store
from lake.text import shown

TABLE = "documents"

# Names that are listed to somebody who asks for none like them.
_NAMED = 3

# Characters of the longest number of 64 bits.
_LONGEST = 20

_FOUND_BY = {"id", "path"}

_DIGITS = re.compile(r"[+-]?[0-9]+", re.ASCII)


def read_document(store: Store, commit: Commit, resource: str, id_: int | str | None, path: str | None) -> bytes:
    """Return the JSON of one document byte for byte, found by its id, its path, or the name in it.

    An id is a number or a text, as the source gives it. By number or path, only the row groups are fetched that can
    hold it; where these do not hold it, the file may have been damaged on its way, and is read whole. By text or name,
    the documents of the resource are read.

    Raises:
        UnknownNameError: No such resource, or no such document in it.
        LakeError: Several documents have this id or name, or the body is not what its hash says.
    """
    if id_ is None and path is None:
        raise LakeError(f"{resource}: expected the id of a document, its name or its path, found none of them")
    text = id_ if isinstance(id_, str) and path is None else None
    if id_ is not None and text is None:
        id_ = _whole(resource, id_)
    if path is not None and not (isinstance(path, str) and path.encode(errors="ignore").decode() == path):
        raise LakeError(f"{resource}: expected a document's path as text, found {shown(repr(path))}")
    every = [file for file in table_of(commit, TABLE).files if file.rows]
    files = [file for file in every if isinstance(resource, str) and file.partition == resource]
    if not files:
        raise UnknownNameError("resource", resource, sorted({str(file.partition) for file in every}))
    if text is not None and not _DIGITS.fullmatch(text):
        return _named(store, commit, resource, files, text)
    rows: list[dict[str, str]] = []
    for wanted in _ways(resource, id_, path):
        rows = rows or _found(store, commit, files, wanted)
    if len(rows) > 1:
        paths = ", ".join(row["path"] for row in rows)
        raise LakeError(f"{resource}: {len(rows)} documents have the id {id_}; pass one path (--path): {paths}")
    if not rows:
        raise _unknown(store, commit, resource, files, str(id_), path)
    return _body(rows[0])


def _ways(resource: str, id_: int | str | None, path: str | None) -> list[ds.Expression]:
    """Return the conditions by which a document may be found, the likeliest first.

    A text of digits is a number, or an id that is a text: ``007``.
    """
    if not isinstance(id_, str):
        given = {"id": id_, "path": path}
        equal = [ds.field(name) == value for name, value in given.items() if value is not None]
        return [reduce(and_, equal)]
    by_path = ds.field("path") == f"{resource}/{quote(id_)}"
    try:
        number = _whole(resource, id_)
    except LakeError:
        return [by_path]
    by_id = ds.field("id") == number
    return [by_id, by_path] if str(number) == id_ else [by_path, by_id]


def _found(store: Store, commit: Commit, files: Sequence[DataFile], wanted: ds.Expression) -> list[dict[str, Any]]:
    """Return the documents that fit a condition, from the whole files unless their parts give one whole document."""
    columns = ["path", "sha256", "body"]
    with suppress(LakeError):
        rows: list[dict[str, Any]] = _scan(store, commit, files, columns, wanted, whole_bytes=0).to_pylist()
        if len(rows) == 1 and _is_whole(rows[0]):
            return rows
    return list(_scan(store, commit, files, columns, wanted).to_pylist())


def _unknown(
    store: Store, commit: Commit, resource: str, files: Sequence[DataFile], id_: str, path: str | None
) -> UnknownNameError:
    """Return what is said of an id or a path that no document has."""
    found = _scan(store, commit, files, ["id", "path"])
    ids = pc.min_max(found["id"]).as_py()
    held = f"{found.num_rows:,} with ids from {ids['min']} to {ids['max']}"
    near = () if path is None else nearest(path, found["path"].to_pylist())
    return UnknownNameError(f"document of {resource}", id_ if path is None else path, [held], near=near)


def _named(store: Store, commit: Commit, resource: str, files: Sequence[DataFile], name: str) -> bytes:
    """Return the document of a resource that has this text as its id, or else this name, or whose path ends with it.

    The end of a path is the id, percent-encoded; so of two that fit, the one counts whose id it is.
    A document below another one, such as the encounters of a Pokémon, has the name of that one.

    Raises:
        UnknownNameError: None has.
        LakeError: Several have.
    """
    by_id: list[dict[str, Any]] = []
    by_name: list[dict[str, Any]] = []
    names: list[str] = []
    above = ""
    for file in files:
        rows = fetch(store, commit, TABLE, file).read(columns=["id", "path", "sha256", "body"])
        for place, (path, body) in enumerate(zip(rows["path"].to_pylist(), rows["body"].to_pylist(), strict=True)):
            above = path.partition("/")[0]
            end = path.removeprefix(f"{resource}/")
            names.append(_name_in(body) or unquote(end))
            if name == unquote(end):
                by_id += rows.slice(place, 1).to_pylist()
            elif name in (names[-1], path, end):
                by_name += rows.slice(place, 1).to_pylist()
    matches = by_id or by_name
    if len(matches) == 1:
        return _body(matches[0])
    if matches:
        ids = ", ".join(str(row["id"]) for row in matches)
        raise LakeError(f"{resource}: {len(matches)} documents are called {shown(repr(name))}; pass one id: {ids}")
    parents = [file for file in table_of(commit, TABLE).files if file.rows and file.partition == above != resource]
    if parents:
        of = msgspec.json.decode(_named(store, commit, above, parents, name), type=_Named).id
        if isinstance(of, int):
            return read_document(store, commit, resource, of, None)
    held = f"{len(names):,}, such as {', '.join(map(shown, names[:_NAMED]))}"
    raise UnknownNameError(f"document of {resource}", name, [held], near=nearest(name, names))


class _Named(msgspec.Struct):
    """A document of which nothing else is looked at."""

    name: Any = None
    id: Any = None


def _name_in(body: str) -> str | None:
    """Return the name that a document has, if it has one."""
    try:
        name = msgspec.json.decode(body, type=_Named).name
    except msgspec.DecodeError:
        return None
    return name if isinstance(name, str) else None


def _body(row: Mapping[str, str]) -> bytes:
    if not _is_whole(row):
        raise LakeError(f"{row['path']}: expected the body with SHA-256 {row['sha256']}, found another")
    return row["body"].encode()


def _is_whole(row: Mapping[str, str]) -> bool:
    return sha256(row["body"].encode()).hexdigest() == row["sha256"]


def _whole(resource: str, id_: object) -> int:
    """Return an id that may be of any type of whole numbers, such as a value of a column."""
    if (isinstance(id_, float) and id_.is_integer()) or (
        isinstance(id_, str) and len(id_) <= _LONGEST and _DIGITS.fullmatch(id_)
    ):
        id_ = int(id_)
    if not isinstance(id_, SupportsIndex) or isinstance(id_, bool) or not -(2**63) <= index(id_) < 2**63:
        raise LakeError(f"{resource}: expected a document's id as a whole number of 64 bits, found {shown(repr(id_))}")
    return index(id_)


def _scan(
    store: Store,
    commit: Commit,
    files: Sequence[DataFile],
    columns: Sequence[str],
    wanted: ds.Expression | None = None,
    whole_bytes: int | None = None,
) -> pa.Table:
    try:
        if whole_bytes is not None:
            return open_dataset(store, commit, TABLE, files, whole_bytes).to_table(columns=list(columns), filter=wanted)
        # A dataset would fetch its files in threads that may outlive it, and with them the program.
        parts = [fetch(store, commit, TABLE, file).read(columns=[*columns, *_FOUND_BY - {*columns}]) for file in files]
        return pa.concat_tables(part if wanted is None else part.filter(wanted) for part in parts).select(columns)
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"{TABLE} of {commit.snapshot}: {error}") from error
