"""Whatever a document holds, building never raises, and the documents beside it land as if it were not there."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from flows.local.replica import demo_documents
from lake.assemble.lost import LostRows, lost_findings
from lake.tables import Built, build, catalog_of, unknown_paths
from lake.tables.wrap import WRAPPED

CATALOG = catalog_of("pokeapi")
BASES = frozenset({"https://pokeapi.co/api/v2/"})
ODD = [
    "null",
    "true",
    '""',
    "[]",
    "{}",
    "[null]",
    "-1",
    "1e400",
    "9" * 500,
    r'"\ud800"',
    '{"url":"//x/y/1/"}',
    "[[[{}]]]",
]


def by_resource() -> dict[str, list[tuple[int, str]]]:
    """Return up to three demo documents of each resource, with their ids."""
    found: dict[str, list[tuple[int, str]]] = {}
    for path, body in sorted(demo_documents().items()):
        resource, _, rest = path.partition("/")
        resource = "pokemon-encounters" if rest.endswith("/encounters") else resource
        if len(found.setdefault(resource, [])) < 3:
            found[resource].append((int(rest.split("/")[0]) if rest else 0, body.decode()))
    return {name: documents for name, documents in found.items() if len(documents) == 3}


DOCUMENTS = by_resource()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every member and element as its owner and its name or number there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield value, name
        yield from places(inner)


@st.composite
def mutants(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a resource, and the text of its second document with a few things replaced, dropped, doubled or nested."""
    resource = draw(st.sampled_from(sorted(DOCUMENTS)))
    document = [json.loads(DOCUMENTS[resource][1][1])]
    marks: dict[str, str] = {}
    for number in range(draw(st.integers(1, 3))):
        owner, name = draw(st.sampled_from(list(places(document))))
        how = draw(st.sampled_from(["replace", "drop", "double", "nest"]))
        if how == "drop" and owner is not document:
            del owner[name]
        elif how == "double" and isinstance(owner, list) and owner is not document:
            owner.append(owner[name])
        elif how == "nest":
            owner[name] = [owner[name]]
        else:
            marks[f'"@{number}@"'] = draw(st.sampled_from(ODD))
            owner[name] = f"@{number}@"
    text = json.dumps(document[0])
    for mark, odd in marks.items():
        text = text.replace(mark, odd)
    return resource, text


def rows(*documents: tuple[int, str]) -> pa.Table:
    ids, bodies = zip(*documents, strict=True)
    paths = [f"x/{id_}" for id_ in ids]
    return pa.table({"id": pa.array(ids, pa.int64()), "path": paths, "body": pa.array(bodies, pa.string())})


def of_others(built: list[Built], id_: int) -> dict[str, list[dict[str, Any]]]:
    """Return every table's rows without those of one document."""
    return {one.table.name: [row for row in one.rows.to_pylist() if row[one.table.owner] != id_] for one in built}


@given(mutants())
def test_a_mutated_document_never_stops_the_build_nor_touches_another_one(mutant: tuple[str, str]):
    resource, text = mutant
    first, (id_, body), last = DOCUMENTS[resource]
    built = build(CATALOG, resource, rows(first, (id_, text), last), {}, None, BASES)
    whole = build(CATALOG, resource, rows(first, (id_, body), last), {}, None, BASES)
    assert of_others(built, id_) == of_others(whole, id_)
    assert {drift.document for one in built for drift in one.drifts} <= {None, id_}
    for one in built:
        keys = one.rows.select(one.table.primary_key).to_pylist()
        assert None not in {value for key in keys for value in key.values()}
        assert len({tuple(key.values()) for key in keys}) == len(keys)
    unknown_paths(CATALOG, resource, pa.array([text], pa.string()))
    lost = LostRows(CATALOG, resource)
    lost.add(rows((id_, body)), rows((id_, text)))
    assert all(finding.message for finding in lost_findings(resource, lost.found()))


def test_every_kind_of_document_is_tried():
    assert {"pokemon", "pokemon-species", "evolution-chain", "type", "move", *WRAPPED} - {"meta"} <= DOCUMENTS.keys()
