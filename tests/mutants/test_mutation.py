"""The faults that `python -m tests.mutants` makes are the ones that they say, and are found again after a move."""

from textwrap import dedent

import pytest

from tests.mutants.checkout import CONTEXT
from tests.mutants.mutation import Mutation, apply, find, places

POUND = dedent(
    '''
    import logging

    LIMIT = 6

    def is_full(team: list[str], limit: int = LIMIT) -> bool:
        """Say whether nobody else may join."""
        logging.info("Pokémon: %s", team)
        return len(team) >= limit

    class Ball:
        def catch(self, team, name):
            if not name or is_full(team):
                raise ValueError(f"{name} does not fit")
            team.append(name)
            return {"name": name, "shiny": False}
    '''
)


def changes(source: str) -> set[tuple[str, str, str]]:
    return {(at.mutation.function, at.mutation.before, at.mutation.after) for at in places(source)}


def test_statements_of_functions_are_changed_and_nothing_beside_them():
    """Defaults, docstrings, logging and what an error says are no behaviour that a test should hold."""
    assert changes(POUND) == {
        ("is_full", "return len(team) >= limit", "return None"),
        ("is_full", "len(team) >= limit", "(len(team) < limit)"),
        ("is_full", "len(team) >= limit", "(len(team) > limit)"),
        ("Ball.catch", "not name or is_full(team)", "(not (not name or is_full(team)))"),
        ("Ball.catch", "not name or is_full(team)", "(not name and is_full(team))"),
        ("Ball.catch", "not name", "(name)"),
        ("Ball.catch", "raise ValueError(f'{name} does not fit')", "pass"),
        ("Ball.catch", "team.append(name)", "pass"),
        ("Ball.catch", "return {'name': name, 'shiny': False}", "return None"),
        ("Ball.catch", "{'name': name, 'shiny': False}", "({'name': name})"),
        ("Ball.catch", "'name'", "('namex')"),
        ("Ball.catch", "'shiny'", "('shinyx')"),
        ("Ball.catch", "False", "(True)"),
    }


@pytest.mark.parametrize(
    ("after", "is_full_of_five", "is_full_of_six"),
    [("(len(team) < limit)", True, False), ("(len(team) > limit)", False, False), ("return None", None, None)],
)
def test_a_fault_changes_what_the_function_does(after: str, is_full_of_five: bool | None, is_full_of_six: bool | None):
    """The é before it takes two bytes and is one character; places count bytes."""
    [place] = [at for at in places(POUND) if at.mutation.function == "is_full" and at.mutation.after == after]
    names: dict[str, object] = {}
    exec(apply(POUND, place), names)
    is_full = names["is_full"]
    assert callable(is_full)
    assert (is_full(["Eevee"] * 5), is_full(["Eevee"] * 6)) == (is_full_of_five, is_full_of_six)


def test_every_fault_says_what_it_replaces():
    """What stands at the place is what the mutation names, and each is another program."""
    found = list(places(POUND))
    for place in found:
        piece = POUND.encode()[place.start : place.end].decode()
        assert piece.replace('"', "'") == place.mutation.before
    assert len({apply(POUND, place) for place in found}) == len(found)


def test_a_mutant_is_found_in_another_layout():
    """It names neither lines nor blanks."""
    moved = '"""The team."""\n\n\n' + POUND.replace(
        "len(team) >= limit", "(\n        len(team)\n        >= limit\n    )"
    )
    for place in places(POUND):
        [(how, again)] = find(places(moved), place.mutation)
        assert (how, again.mutation) == ("exact", place.mutation)


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("return len(team) >= limit", "full = len(team) >= limit\n    return full", "expression"),
        ("is_full", "has_no_room", "statement"),
        ("len(team) >= limit", "limit <= len(team)", None),
    ],
)
def test_a_mutant_of_what_was_rewritten_is_found_less_surely(old: str, new: str, how: str | None):
    """A person can look at those, and at what is not found."""
    wanted = Mutation("is_full", "return len(team) >= limit", "len(team) >= limit", "(len(team) < limit)")
    assert [kind for kind, _ in find(places(POUND.replace(old, new)), wanted)] == ([] if how is None else [how])


def test_equal_pieces_of_a_statement_are_told_apart():
    """They are counted."""
    source = "def pair():\n    return [1, 1]\n"
    ones = [place for place in places(source) if place.mutation.before == "1"]
    assert [apply(source, place) for place in ones] == [
        "def pair():\n    return [(2), 1]\n",
        "def pair():\n    return [1, (2)]\n",
    ]
    assert [find(places(source), place.mutation) for place in ones] == [[("exact", place)] for place in ones]


@pytest.mark.parametrize(
    ("context", "test", "phase"),
    [
        ("none|tests/test_store.py::test_a[x|y (z)]|run", "tests/test_store.py::test_a[x|y (z)]", "run"),
        ("tests/test_store.py::test_a|setup", "tests/test_store.py::test_a", "setup"),
        ("tests/test_store.py::test_a[1 (2)] (call)", "tests/test_store.py::test_a[1 (2)]", "call"),
    ],
)
def test_contexts_name_a_test_and_its_phase(context: str, test: str, phase: str):
    """The first two are pytest-cov's, the last is what pytest tells the processes that a test starts."""
    match = CONTEXT.fullmatch(context)
    assert match is not None
    assert (match["test"], match["phase"]) == (test, phase)
