"""Every task run has a name that tells what it does; by default Prefect gives it the function's, and random letters."""

import ast
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def test_every_task_names_its_runs():
    found = {}
    for path in sorted((REPOSITORY / "flows").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(node, "decorator_list", ()):
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(called, ast.Name) and called.id in ("task", "materialize"):
                    given = [keyword.arg for keyword in getattr(decorator, "keywords", ())]
                    found[f"{path.relative_to(REPOSITORY)}: {node.name}"] = "task_run_name" in given
    assert len(found) >= 8
    assert [name for name, is_named in found.items() if not is_named] == []
