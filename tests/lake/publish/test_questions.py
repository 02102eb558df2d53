"""Questions: what asks a person, as names, numbers and one paragraph, and what a source's settings let pass."""

from lake.commit import DataFile, TableFiles
from lake.publish import Finding, KeyCheck, Level, audit_run, questions, refusals
from lake.schema import conform
from lake.source import Source
from tests.lake.publish import TYPES, judged

DRIFT = Finding(Level.WARN, "drift", "pokemon", "height: expected a number, found a text")
WRONG = Finding(Level.BLOCK, "primary-key", "types", "two rows with key 25")


def published(rows: int) -> TableFiles:
    return TableFiles(None, (DataFile("part-0.parquet", None, rows, 1, "0"),), ())


def gone(count: int) -> list[str]:
    return [f"pokemon/{id_}" for id_ in range(count)]


def test_what_may_be_lost_is_a_setting_of_the_source():
    rows = conform(TYPES, [{"pokemon_id": 25, "slot": 1, "type_id": 13}])
    check, strict = KeyCheck(TYPES), Source(tolerated_lost_rows=0, tolerated_lost_rows_share=0, tolerated_deletions=1)
    check.add(rows)
    assert len(judged(check, published(2), {}, (), strict.tolerances)) == 1
    assert len(audit_run({}, {"pokemon": gone(2)}, {"pokemon": 3}, (), strict.tolerances)) == 1
    lax = Source(tolerated_lost_rows_share=1, tolerated_deletions=500).tolerances
    assert judged(check, published(1000), {}, (), lax) == []
    assert audit_run({}, {"pokemon": gone(500)}, {"pokemon": 1000}, (), lax) == []


def test_questions_are_told_with_the_largest_loss_first_and_the_way_out_once():
    lost = audit_run({}, {f"berry-{n:02}": gone(30 + n) for n in range(12)}, {f"berry-{n:02}": 60 for n in range(12)})
    told = refusals([DRIFT, *lost])
    assert [finding.lost for finding in questions(lost)] == list(range(41, 29, -1))
    assert [line.split(":")[0] for line in told[:10]] == [f"berry-{n:02}" for n in range(11, 1, -1)]
    assert told[10] == "and 2 further findings, none of which lost more"
    assert told[11].startswith("if that is right, pass --allow-shrink berry-11 --allow-shrink berry-10 ")
    assert '(the parameter allow_shrink=["berry-11", "berry-10", ' in told[11]
    assert len(told) == 12
    assert refusals([DRIFT]) == []
    # To say that there is one more takes as many lines as that one.
    *told, advice = refusals([DRIFT, *lost[1:]])
    assert [line.split(":")[0] for line in told] == [f"berry-{n:02}" for n in range(11, 0, -1)]
    assert advice.startswith("if that is right, ")


def test_what_blocks_is_told_without_a_way_to_allow_it():
    told = refusals([WRONG, *audit_run({}, {"pokemon": gone(30)}, {"pokemon": 30})])
    assert [line.split(":")[0] for line in told] == ["types", "pokemon"]


def test_only_what_asks_has_numbers_in_the_commit():
    [asks] = audit_run({}, {"pokemon": gone(30)}, {"pokemon": 40})
    assert (asks.entry()["before"], asks.entry()["after"]) == (40, 10)
    assert set(DRIFT.entry()) == {"level", "rule", "subject", "message"}
