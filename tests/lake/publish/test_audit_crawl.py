"""Audits of a crawl: what vanished, was renamed or is unknown, and collections that came or went."""

import pytest

from lake.publish import Level
from lake.publish.audit import audit_collections, audit_fields, audit_identity, audit_run
from lake.publish.check import SHOWN_ROWS
from lake.resource import IdentityChange


def gone(count: int) -> list[str]:
    return [f"pokemon/{id_}" for id_ in range(count)]


def test_a_sound_crawl_has_no_findings():
    assert audit_run({"0d8fe2bf": 15_463}, {"pokemon": []}, {"pokemon": 1351}) == []
    assert audit_run({}, {}, {}) == []


def test_two_upstream_versions_warn_with_their_answers():
    [finding] = audit_run({"b": 2, "a": 100}, {}, {})
    assert (finding.level, finding.rule, finding.subject) == (Level.WARN, "versions", "source")
    assert finding.message == "upstream changed during the crawl: answers 100 of a, 2 of b"


@pytest.mark.parametrize(("count", "before"), [(20, 20), (20, 100), (20, 1000), (27, 1351), (40, 2000), (0, 0)])
def test_twenty_documents_or_two_percent_may_vanish(count, before):
    assert audit_run({}, {"pokemon": gone(count)}, {"pokemon": before}) == []


@pytest.mark.parametrize(("count", "before"), [(21, 21), (21, 1000), (28, 1351), (41, 2000), (21, 0)])
def test_more_documents_that_vanish_ask(count, before):
    [finding] = audit_run({}, {"pokemon": gone(count)}, {"pokemon": before})
    assert (finding.level, finding.rule, finding.subject) == (Level.ASK, "deletions", "pokemon")
    assert finding.message.startswith(f"{count} of {before} documents vanished at once (pokemon/0, pokemon/1, ")
    assert (finding.name, finding.before, finding.lost) == ("deletions/pokemon", before, count)
    assert finding.message.count("pokemon/") == SHOWN_ROWS


def test_deletions_are_judged_resource_by_resource():
    deleted = {"pokemon": gone(15), "type": gone(15)}
    assert audit_run({}, deleted, {"pokemon": 1000, "type": 20}) == []


def test_documents_may_vanish_when_the_resource_is_named():
    assert audit_run({}, {"pokemon": gone(500)}, {"pokemon": 1000}, ("pokemon",)) == []
    assert len(audit_run({}, {"pokemon": gone(500)}, {"pokemon": 1000}, ("type",))) == 1


def test_a_resource_that_was_not_there_before_has_only_the_absolute_tolerance():
    assert len(audit_run({}, {"pokemon": gone(21)}, {})) == 1


def test_renamed_documents_are_counted_and_named_by_resource():
    changes = [
        IdentityChange("move", 11, "vice-grip", "vise-grip", False),
        IdentityChange("item", 17, "great-ball", "grand-ball", False),
        IdentityChange("item", 18, "a", "b", False),
    ]
    found = audit_identity(changes)
    assert {(finding.level, finding.rule) for finding in found} == {(Level.WARN, "renamed")}
    assert [str(finding) for finding in found] == [
        "move: 1 renamed: 11 vice-grip -> vise-grip",
        "item: 2 renamed: 17 great-ball -> grand-ball, 18 a -> b",
    ]


def test_ids_that_were_reused_are_told_from_renamed_documents():
    changes = [
        IdentityChange("pokemon-form", 10404, "eiscue-noice", "sneasel-hisui", True),
        IdentityChange("pokemon-form", 1, "a", "b", False),
    ]
    assert [(finding.rule, finding.message) for finding in audit_identity(changes)] == [
        ("reused-id", "1 id now stands for something else: 10404 eiscue-noice -> sneasel-hisui"),
        ("renamed", "1 renamed: 1 a -> b"),
    ]


def test_many_renamed_documents_do_not_fill_the_report():
    [finding] = audit_identity(IdentityChange("item", id_, "before", "after", False) for id_ in range(25))
    assert finding.message.startswith("25 renamed: 0 before -> after, 1 before")
    assert finding.message.endswith("9 before -> after, …")


def test_without_changes_of_identity_there_is_nothing_to_say():
    assert audit_identity([]) == []


def test_fields_that_no_table_knows_are_named_with_their_documents():
    [finding] = audit_fields("item", {"prices[].purchase_price": 24, "colour": 2223}, 2226)
    assert (finding.level, finding.rule, finding.subject) == (Level.WARN, "new-field", "item")
    assert finding.message.startswith(
        "2 fields that no table has, in 2,226 documents: colour (in 2,223), prices[].purchase_price (in 24);"
    )


def test_a_resource_whose_fields_are_all_known_is_in_order():
    assert audit_fields("item", {}, 2226) == []


def test_collections_that_came_or_went_or_were_refused_are_named():
    found = audit_collections({"currency", "contest"}, {"gender"}, {"currency": "HTTP 400"})
    assert {finding.level for finding in found} == {Level.WARN}
    assert [(finding.rule, finding.subject) for finding in found] == [
        ("new-collection", "contest"),
        ("new-collection", "currency"),
        ("vanished-collection", "gender"),
        ("refused-listing", "currency"),
    ]
    assert "--allow-shrink gender" in found[2].message
    assert "HTTP 400" in found[3].message


def test_collections_as_they_were_are_in_order():
    assert audit_collections(set(), set(), {}) == []
