"""Rows of the tables of any JSON API but PokeAPI: its documents have ids of any kind, or state none."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode import Digits, decode
from lake.schema import BODY, DOCUMENT_ID, KEY, Table
from lake.tables.extract import extract
from lake.tables.faults import without_bad_keys
from lake.tables.fill import fill
from lake.tables.inferred.assumed import Assumed, UnassumedError
from lake.tables.parse import Drift, document_schema, parse
from lake.tables.paths import steps

# By member what becomes text below it, None where the member does itself. The elements of a list have this name.
_ELEMENTS = None
_Texts = dict[str | None, Any] | None

Found = tuple[pa.Table, list[Drift]]


def rows_of(tables: Sequence[Table], resource: str, documents: pa.Table, assumed: Assumed | None = None) -> list[Found]:
    """Return the rows of each table in a batch of one resource's documents, by the primary key, and the drift.

    `documents` has the columns ``id``, ``path`` and ``body``. Rows of a table whose keys do not ascend with the
    documents have the column DOCUMENT_ID as well, and come in its order. A document that cannot be read gives no rows.
    Drift about several tables stands with the first. The documents must be as `assumed`, if something is.

    Raises:
        UnassumedError: They are not.
    """
    bodies, ids = (documents[name].combine_chunks() for name in ("body", "id"))
    drifts = list[Drift]()
    if assumed is None or (parsed := assumed.parsed(bodies)) is None:
        if assumed is not None:
            assumed.require(bodies)
        parsed, drifts = parse(bodies, _schema_of(tuple(tables)), _change_of(tuple(tables)))
    if any(not drift.path for drift in drifts):
        return _without_unread(tables, resource, documents)
    keys = keys_of(tables, resource, documents)
    if assumed is not None and pa.types.is_integer(keys.type) and keys.null_count:
        raise UnassumedError
    given = {KEY: keys, BODY: bodies, DOCUMENT_ID: ids}
    filled = iter(fill([table for table in tables if table.fill], bodies, parsed, {}, ids=ids))
    found = list[Found]()
    for table in tables:
        rows, met = next(filled) if table.fill else extract(table, resource, parsed, {}, given=given)
        if assumed is not None and not assumed.holds(table, rows, met):
            assumed.require(bodies)
        kept, bad = without_bad_keys(table, rows)
        found.append((kept.drop_columns([DOCUMENT_ID]) if table.ascends else kept, [*drifts, *met, *bad]))
        drifts = []
    return found


def keys_of(tables: Sequence[Table], resource: str, documents: pa.Table) -> pa.Array:
    """Return the id of each document as the source gives it, a number or a text; null for a text among numbers.

    The documents' paths say it: ``trainer/7``, ``trainer/ash``.
    """
    wanted = {field.type for table in tables for field in table.fields if KEY in field.paths}
    ids, paths = documents["id"].combine_chunks(), documents["path"].combine_chunks()
    if not wanted:
        return pa.nulls(len(ids))
    if wanted <= {pa.int64()}:
        return pc.if_else(are_numbers(resource, ids, paths), ids, pa.scalar(None, pa.int64()))
    texts = pc.replace_substring_regex(paths, r"^[^/]*/", "")
    if pc.any(pc.match_substring(texts, "%")).as_py():
        texts = pa.array([unquote(text) for text in texts.to_pylist()], pa.string())
    return texts


def have_numbers(resource: str, documents: pa.Table) -> bool:
    """Tell whether the source gives each of some documents a number as its id."""
    ids, paths = documents["id"].combine_chunks(), documents["path"].combine_chunks()
    return pc.all(are_numbers(resource, ids, paths)).as_py() is not False


def are_numbers(resource: str, ids: pa.Array, paths: pa.Array) -> pa.BooleanArray:
    """Tell of each document whether the source gives it a number."""
    return pc.equal(paths, pc.binary_join_element_wise(f"{resource}/", ids.cast(pa.string()), ""))


def _without_unread(tables: Sequence[Table], resource: str, documents: pa.Table) -> list[Found]:
    unread = dict[int, str]()
    for id_, body in zip(documents["id"].to_pylist(), documents["body"], strict=True):
        try:
            value = decode(body.as_buffer())
            if not isinstance(value, dict):
                unread[id_] = f"expected an object, found {type(value).__name__}"
        except ValueError as error:
            unread[id_] = f"{error!s:.200}"
    odd = pc.is_in(documents["id"], pa.array(list(unread), pa.int64()))
    first, *others = rows_of(tables, resource, documents.filter(pc.invert(odd)))
    drifts = [Drift("", "a readable document", why, id_) for id_, why in unread.items()]
    return [(first[0], [*drifts, *first[1]]), *others]


@cache
def _schema_of(tables: tuple[Table, ...]) -> pa.Schema:
    return document_schema(tables)


@cache
def _change_of(tables: tuple[Table, ...]) -> Callable[[Any], Any] | None:
    """Return the function that puts JSON text in the place of what the tables hold as such; None if they hold none."""
    paths = {path for table in tables for field in table.fields if field.is_json for path in field.paths}
    root: dict[str | None, Any] = {}
    for path in sorted(paths - {BODY}):
        place = root
        *above, last = [step for name, is_list in steps(path) for step in ((name, _ELEMENTS) if is_list else (name,))]
        for step in above:
            place = place.setdefault(step, {})
        place[last] = None
    return (lambda value: _changed(value, root)) if root else None


def _changed(value: Any, texts: _Texts) -> Any:
    """Return a value with JSON text in some places; it is changed where it is."""
    if value is None:
        return None
    if texts is None:
        return msgspec.json.encode(value, enc_hook=_digits).decode()
    if isinstance(value, dict):
        for name in texts.keys() & value.keys():
            value[name] = _changed(value[name], texts[name])
    elif isinstance(value, list) and _ELEMENTS in texts:
        return [_changed(element, texts[_ELEMENTS]) for element in value]
    return value


def _digits(value: Any) -> msgspec.Raw:
    """Encode a number that no machine holds as it is written."""
    assert isinstance(value, Digits)
    return msgspec.Raw(value.encode())
