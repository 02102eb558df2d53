"""The page for operators knows everything that a run may tell them."""

import ast
import re
from collections.abc import Iterator

from flows.steps.outcome import Outcome
from lake.publish import Level
from tests.docs import REPOSITORY


def rules() -> Iterator[tuple[str, str]]:
    """Yield level and rule of every finding that the code makes."""
    for path in (REPOSITORY / "lake").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                match node.args[:2]:
                    case [ast.Attribute(attr=level), ast.Constant(value=str(rule))]:
                        yield level, rule


def shown(text: str) -> set[str]:
    """Return the rules in the first columns of the tables in a text."""
    return set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))


def test_every_rule_of_the_audits_is_explained_under_what_it_does():
    page = (REPOSITORY / "docs/operate.md").read_text()
    chapter = page.partition("\n## What the audits find\n")[2].partition("\n## ")[0]
    stopping, _, warning = chapter.partition("The others are published")
    found = set(rules())
    assert shown(warning) == {rule for level, rule in found if level == Level.WARN.name}
    assert shown(stopping) == {rule for level, rule in found if level != Level.WARN.name}


def test_every_outcome_of_a_run_is_explained():
    page = (REPOSITORY / "docs/operate.md").read_text()
    chapter = page.partition("\n## How a run ends\n")[2].partition("\n## ")[0]
    assert set(Outcome) <= set(re.findall(r"^\| `Completed`, `(\w+): …` \|", chapter, re.MULTILINE))
