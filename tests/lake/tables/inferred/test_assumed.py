"""Tables of which not every document was looked at are those of all documents, or it is said that they are not."""

import json
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given

from lake.schema import Table
from lake.table_settings import ColumnSettings, TableSettings
from lake.tables.inferred import NOTHING, Assumed, Key, UnassumedError, assumable, assumed, declare, grown, joined
from lake.tables.inferred.said import said_of
from lake.tables.rows import rows_of
from tests.lake.tables.inferred import SCALARS, bodies, randoms
from tests.lake.tables.inferred.trainers import ID, TRAINER, declared

# Nothing of a list's elements is known.
NICKS = {"id": 7, "team": [{"nick": None, "badges": []}]}
ALIKE = (
    {"id": 2},
    {"id": 3, "name": None, "address": {}, "tags": [], "team": [{}], "nothing": None, "none": [], "empty": {}},
    {
        "id": 4,
        "name": "2024-01-01T00:00:00Z",
        "score": 2,
        "address": {"geo": {"lat": -7}},
        "team": [None, {"moves": []}],
    },
    {
        "id": 4,
        "none": [None, None, None],
        "team": [{"nick": None}, {"nick": None}, {"nick": None, "badges": [None] * 9}],
    },
    {"id": 5, "joinedAt": "2020-02-29T23:59:59+01:00", "isActive": False, "score": -1e300 / 1e290, "tags": [None, "é"]},
)
# Each has something of which another column, another type, or another table would follow.
UNLIKE = (
    {"id": 2, "new": 1},
    {"id": 2, "address": {"zip": "1"}},
    {"id": 2, "address": {"geo": {"lat": 1.5}}},
    {"id": 2, "address": {"geo": {"lat": "1"}}},
    {"id": 2, "address": {"geo": {"lat": 2**70}}},
    {"id": 2, "address": "Pallet"},
    {"id": 2, "name": 1},
    {"id": 2, "name": {}},
    {"id": 2, "joinedAt": "yesterday"},
    {"id": 2, "joinedAt": "2024-02-30T00:00:00Z"},
    {"id": 2, "isActive": 1},
    {"id": 2, "score": 2**53 + 1},
    {"id": 2, "score": 2**63},
    {"id": 2, "tags": [1]},
    {"id": 2, "tags": "a"},
    {"id": 2, "team": [{"moves": [1]}]},
    {"id": 2, "team": ["Pikachu"]},
    {"id": 2, "team": {}},
    {"id": 2, "nothing": 0},
    {"id": 2, "nothing": []},
    {"id": 2, "empty": {"a": 1}},
    {"id": 2, "none": [0]},
    {"id": 2, "none": [True]},
    {"id": 2, "nothing": False},
    {"id": 2, "team": [{"nick": True}]},
    {"id": 2, "team": [{"badges": [False]}]},
    {"id": "brock"},
)


BROCK = '"brock"'


def stored(*texts: str) -> pa.Table:
    """Return bodies as the table of documents has them; those with an id that is a text have it in their path."""
    ids = list(range(1, len(texts) + 1))
    named = [f"trainer/{id_}" if BROCK not in text else "trainer/brock" for id_, text in zip(ids, texts, strict=True)]
    return pa.table({"id": pa.array(ids, pa.int64()), "path": named, "body": bodies(*texts)})


def assume(*documents: object, before: tuple[Table, ...] = (), **settings: TableSettings) -> Assumed | None:
    found = declared(*documents, before=before, settings=settings)
    allowed = assumable(grown(NOTHING, bodies(*documents)), found.tables, before, said_of(settings, "trainer"))
    return Assumed.of(allowed) if allowed else None


def is_assumed(tables: tuple[Table, ...], of: Assumed, *documents: object) -> bool:
    """Tell whether documents are taken for what was assumed; then their rows are those that they have anyway."""
    rows = stored(*bodies(*documents).to_pylist())
    try:
        found = rows_of(tables, "trainer", rows, of)
    except UnassumedError:
        return False
    assert found == rows_of(tables, "trainer", rows)
    return True


def test_documents_that_are_alike_are_not_looked_at(monkeypatch: pytest.MonkeyPatch):
    of, tables = assume(TRAINER, NICKS), declared(TRAINER, NICKS).tables
    assert of is not None

    def look(*given: object) -> None:
        raise AssertionError("it was looked at")

    monkeypatch.setattr(assumed, "grown", look)
    assert is_assumed(tables, of, *ALIKE)
    with pytest.raises(AssertionError, match="looked at"):
        is_assumed(tables, of, UNLIKE[0])


@pytest.mark.parametrize("document", UNLIKE, ids=json.dumps)
def test_a_document_with_more_is_told_from_the_others(document: dict):
    of, tables = assume(TRAINER, NICKS), declared(TRAINER, NICKS).tables
    assert of is not None
    assert not is_assumed(tables, of, *ALIKE, document)


@pytest.mark.parametrize(
    "document",
    [
        '{"id": 2, "new": null}',
        '{"id": 2, "address": {"geo": {"lng": null}}}',
        '{"id": 2, "name": "a", "name": null}',
        '{"id": 2, "name": "\\ud83d"}',
        '{"id": 2, "address": {"geo": {"lat": 9007199254740993}}}',
        '{"id": 2, "score": -0.0, "id": 3}',
        '{"id": 2, "new": NaN}',
        "[1]",
    ],
)
def test_what_arrow_refuses_is_looked_at_and_may_add_nothing(document: str):
    """A member that is null, or there twice, and what is no document."""
    of, tables = assume(TRAINER, NICKS), declared(TRAINER, NICKS).tables
    assert of is not None
    assert is_assumed(tables, of, *ALIKE, document)


def test_a_column_of_before_takes_what_it_took_before():
    """It keeps its type, so that nothing follows from what does not fit, nor from what it alone has."""
    old = {"id": 1, "late": 1, "price": 0.5, "at": "2024-01-01T00:00:00Z", "sizes": [{"cm": 1}], "bare": [{}]}
    before = declared(old).tables
    now = {"id": 1, "price": 1, "at": "2024-01-01T00:00:00Z"}
    of, tables = assume(now, before=before), declared(now, before=before).tables
    assert of is not None
    assert is_assumed(
        tables, of, old, {"id": 2, "price": 2**60, "at": "soon", "late": 2**60}, {"id": 3, "price": 1e300}
    )
    assert is_assumed(tables, of, {"id": 2, "late": "a", "price": {}, "at": 7}, {"id": 3, "sizes": [{"cm": [1]}]})
    for other in ({"late": 0.5}, {"sizes": [{"kg": 1}]}, {"bare": [1]}, {"sizes": 1}):
        assert not is_assumed(tables, of, {"id": 2, **other}), other


def test_a_column_is_widened_only_if_doubles_hold_all_that_it_has():
    before = declared({"id": 1, "price": 1}).tables
    of, tables = assume({"id": 1, "price": 0.5}, before=before), declared({"id": 1, "price": 0.5}, before=before).tables
    assert of is not None
    assert is_assumed(tables, of, {"id": 2, "price": 2})
    assert not is_assumed(tables, of, {"id": 2, "price": 2**60})


def test_nothing_is_assumed_where_types_cannot_say_it():
    settings = {"trainer": TableSettings(columns=(("score", ColumnSettings(type="string")),))}
    assert assume({"id": 1, "a": 1}, {"id": 2, "a": "b"}) is None
    assert assume({"id": 1, "a": [[1]]}) is None
    assert assume({"id": 1, "a": 2**70}) is None
    assert assume({}) is None
    assert assume({"id": 1, "a": 1}, before=declared({"id": 1, "a": {"b": 1}}).tables) is None
    assert assume(TRAINER, **settings) is None
    assert assume({"id": 1, "a": [[]]}, trainer=TableSettings(omit=("a",))) is None


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (TableSettings(omit=("secret",)), {"secret": 1}),
        (TableSettings(key="slug"), {"slug": "a"}),
        (TableSettings(columns=(("price", ColumnSettings(unit="yen")),)), {"price": 1}),
    ],
)
def test_nothing_is_assumed_where_a_setting_names_what_was_not_seen(said: TableSettings, seen: dict):
    """Whether it is said that the setting has no effect depends on the other documents."""
    assert assume({"id": 1}, trainer=said) is None
    of = assume({"id": 1, **seen}, trainer=said)
    assert of is not None
    tables = declared({"id": 1, **seen}, settings={"trainer": said}).tables
    assert is_assumed(tables, of, {"id": 2, **seen})
    assert not is_assumed(tables, of, {"id": 2, **seen, "new": 1})


# Values of one kind, as a source sends them at one place.
KINDS = (
    ("1", "-7", "0"),
    ("1", str(2**53), str(2**60)),
    ("1", "0.5", "1e3", "-0.0"),
    ('"a"', '""', r'"\u00e9"', '"2024-01-01T00:00:00Z"'),
    ('"2024-01-01T00:00:00Z"', '"1999-12-31T23:59:59.5+01:00"'),
    ("true", "false"),
    ("{}", '{"b": 1}', '{"b": null}', '{"b": 2, "c": "x"}'),
    ("[]", "[1]", "[null, 2]"),
    ("[]", '[{"b": 1}]', '[{"b": 2, "c": [0.5]}, null]', "[{}]"),
    ("null",),
    ("[]", "[null, null, null]"),
    ("[]", '[{"b": null}, {"b": null, "c": []}, null]', '[{"c": [null, null]}, {}]'),
)
# NaN is no JSON, and equals nothing.
ODD = tuple(text for text in SCALARS if text != "NaN")


def document_of(random: Random, kinds: dict[str, tuple[str, ...]], odd: float) -> str:
    names = random.sample(list(kinds), random.randint(0, len(kinds)))
    values = (random.choice(ODD if random.random() < odd else ("null", *kinds[name])) for name in names)
    return f"{{{', '.join(f'{json.dumps(name)}: {value}' for name, value in zip(names, values, strict=True))}}}"


@given(randoms)
def test_what_is_assumed_holds_for_all_documents_or_is_refused(random):
    """Documents of some kinds of values, with odd ones among those that nobody looked at; also after a snapshot."""
    kinds = {name: random.choice(KINDS) for name in random.sample("abcdé.", random.randint(1, 5))}
    before = ()
    for _ in range(2):
        seen, others = ([document_of(random, kinds, odd) for _ in range(random.randint(1, 6))] for odd in (0, 0.03))
        shape, more = (grown(NOTHING, bodies(*texts)) for texts in (seen, others))
        found = declare({"trainer": shape}, {"trainer": ID}, before, {})
        of_all = declare({"trainer": joined(shape, more)}, {"trainer": ID}, before, {})
        allowed = assumable(shape, found.tables, before, said_of({}, "trainer"))
        if allowed is not None and is_assumed(found.tables, Assumed.of(allowed), *others):
            assert of_all == found
        kinds = {name: random.choice([values, random.choice(KINDS)]) for name, values in kinds.items()}
        before = of_all.tables


def test_ids_that_are_texts_need_no_numbers():
    key = Key("id", pa.string())
    shape = grown(NOTHING, bodies(TRAINER))
    tables = declare({"trainer": shape}, {"trainer": key}, (), {}).tables
    allowed = assumable(shape, tables, (), said_of({}, "trainer"))
    assert allowed is not None
    assert is_assumed(tables, Assumed.of(allowed), {"a": None}, '{"name": "brock"}')
