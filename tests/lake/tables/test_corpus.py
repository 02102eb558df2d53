"""The real corpora in tables: every row is there, and every leaf is in a table, or in none for a reason that holds."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lake.schema import GENERATION, UNKNOWN_GENERATION
from lake.tables import POKEAPI, TABLES, catalog_of
from lake.tables.coverage import EXCLUSIONS, MIRROR, SLUG, known_paths
from lake.tables.registry import MIRRORS, table_named
from tests.corpora import opened
from tests.corpus_walk import ATTRIBUTES, Pairs, Walked, rows_of, walk

pytestmark = pytest.mark.corpus

# A null or an empty container in the place of something known.
ABSENT = "absent"

# Tables without rows: of what PokeAPI did not have yet, and the one for what is not declared.
EMPTY = {
    "2026-07-06": {"currencies", "document_values", "form_triggers", "item_prices"},
    "2026-08-08": {"document_values"},
}


@pytest.fixture(scope="module", params=["2026-07-06", "2026-08-08"])
def date(request: pytest.FixtureRequest) -> str:
    """Return the date of a corpus."""
    return request.param


@pytest.fixture(scope="module")
def walked(date: str, request: pytest.FixtureRequest) -> Walked:
    """Walk through a corpus once for all tests."""
    path: Path = request.getfixturevalue(f"corpus_{date.replace('-', '_')}")
    return walk(opened(path))


def test_every_row_of_the_corpus_is_there(walked: Walked, date: str):
    """Counted once more by plain Python."""
    expected, checks = walked.counted, walked.checks
    assert {name: check.rows for name, check in checks.items() if check.rows} == dict(+expected)
    assert {name: check.bad_keys for name, check in checks.items() if check.bad_keys} == {}
    nulls = ((name, field) for name, check in checks.items() for field, count in check.null_counts.items() if count)
    assert [(name, field) for name, field in nulls if not checks[name].table.field(field).nullable] == []
    assert [drift for batches in walked.built.values() for built in batches for drift in built.drifts] == []
    partitioned = [table.name for table in TABLES if table.partition and expected[table.name]]
    assert [name for name in partitioned if UNKNOWN_GENERATION in rows_of(walked, name)[GENERATION].to_pylist()] == []
    # So that an empty corpus, or a wrong path in it, does not count as equal.
    assert expected["pokemon_moves"] > 600_000
    assert {table.name for table in TABLES if not expected[table.name]} == EMPTY[date]


def test_a_text_is_empty_only_where_a_stand_in_says_so(walked: Walked):
    empty = {
        f"{table.name}.{field.name}"
        for table in TABLES
        if walked.counted[table.name]
        for field in table.fields
        if field.type == pa.string() and pc.any(pc.equal(rows_of(walked, table.name)[field.name], "")).as_py()
    }
    declared = {f"{table.name}.{field.name}" for table in TABLES for field in table.fields if field.stand_ins}
    assert empty - declared == set()
    assert {"forms.form_name", "names.name", "effects.effect"} <= empty


def reasons(resource: str, leaves: dict[str, set[str]]) -> dict[str, str | None]:
    """Return for each leaf why it is in no table: empty if it is in one, None if nobody knows."""
    known = known_paths(resource)
    stars = tuple(path.removesuffix("*") for path in known if path.endswith(".*"))
    inner = {path[: match.start()] for path in known for match in re.finditer(r"\.|\[\]", path)}

    def reason(path: str, kinds: set[str]) -> str | None:
        if path in known:
            return known[path]
        if path.startswith(stars):
            return ""
        return ABSENT if path in inner and "value" not in kinds else None

    return {path: reason(path, kinds) for path, kinds in leaves.items()}


def test_every_leaf_of_every_document_is_in_a_table_or_excluded_for_a_reason(walked: Walked):
    counted: Counter[str] = Counter()
    for resource, leaves in walked.leaves.items():
        found = reasons(resource, leaves)
        assert [path for path, reason in found.items() if reason is None] == [], resource
        counted.update("in a table" if reason == "" else reason for reason in found.values())
    print(f"{counted.total()} leaf paths of {len(walked.leaves)} resources: {dict(counted.most_common())}")
    assert [resource for resource in walked.leaves if not catalog_of(POKEAPI).is_declared(resource)] == []
    assert counted["in a table"] > 500


def test_the_fast_look_at_documents_finds_nothing_unknown_either(walked: Walked):
    assert {resource: paths for resource, paths in walked.unknown.items() if paths} == {}


def test_no_exclusion_is_there_for_nothing(walked: Walked):
    assert [item for item in EXCLUSIONS if item.path not in walked.leaves[item.resource]] == []
    assert [mirror for mirror in MIRRORS if mirror not in walked.listed] == []
    counted = Counter(reason for name, leaves in walked.leaves.items() for reason in reasons(name, leaves).values())
    assert min(counted[SLUG], counted[MIRROR]) > 50


def test_every_mirror_says_what_its_table_says(walked: Walked):
    """Lists that mirror one column together are compared together."""
    stated: dict[tuple[str, str, str], Pairs] = defaultdict(set)
    for mirror, pairs in walked.listed.items():
        stated[mirror.resource, mirror.table, mirror.column] |= pairs
    for mirror in MIRRORS:
        table = table_named(mirror.table)
        rows = rows_of(walked, mirror.table)
        listed = mirror.listed or table.primary_key[0]
        known = rows.filter(rows[mirror.column].is_valid())
        pairs = set(zip(known[mirror.column].to_pylist(), known[listed].to_pylist(), strict=True))
        assert stated[mirror.resource, mirror.table, mirror.column] == pairs, mirror


def test_what_a_mirror_says_beside_whom_it_lists_the_mirrored_document_says_too(walked: Walked):
    for mirror, said in walked.attributes.items():
        if (mirror.resource, mirror.path) in ATTRIBUTES:
            assert said - walked.mirrored[mirror] == set(), mirror
        else:
            assert {text for *_, text in said} == {"{}"}, mirror


def test_every_slug_is_the_name_of_the_document_beside_it(walked: Walked):
    assert {(url, slug) for url, slug in walked.slugs if walked.names.get(url) != slug} == set()


def test_damage_from_a_type_is_damage_to_the_other(walked: Walked):
    for kind in ("double", "half", "no"):
        dealt = {(other, type_) for type_, other in walked.damage[f"{kind}_damage_to"]}
        assert walked.damage[f"{kind}_damage_from"] == dealt


def test_two_documents_that_state_the_damage_between_two_types_agree(walked: Walked):
    assert [pair for pair, kinds in walked.pairs.items() if len(kinds) != 1] == []
    rows = rows_of(walked, "type_effectiveness").select(
        ["attacking_type_id", "defending_type_id", "until_generation_id"]
    )
    assert len(rows) == len({tuple(row.values()) for row in rows.to_pylist()}) > 200
