"""What is written from the code is current, and true of real commits."""

import json
import re

import jsonschema
import pytest

from lake.commit import read_commit
from lake.layout import commit_key
from lake.store import Store
from tests.docs import REPOSITORY
from tests.docs.generated import GENERATED
from tests.lake.commits import COMMIT
from tests.lake.read import FIRST, SECOND, document, moves, publish

SCHEMA = json.loads((REPOSITORY / "docs/commit.schema.json").read_text())
PROTOCOL = (REPOSITORY / "docs/protocol.md").read_text()


@pytest.mark.parametrize("path", GENERATED)
def test_it_is_current(path: str):
    assert (REPOSITORY / path).read_text() == GENERATED[path](), f"`make docs` writes {path} anew"


def test_commits_fit_the_schema(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))], [document("pokemon", 132, "{}")])
    publish(store, SECOND, [moves((1, 1, 45))], [document("pokemon", 132, "{}")])
    for body in (COMMIT.to_json(), store.get(commit_key(1)), store.get(commit_key(2))):
        jsonschema.validate(json.loads(body), SCHEMA, jsonschema.Draft202012Validator)
    assert read_commit(store, 2).parent == FIRST


@pytest.mark.parametrize(
    ("member", "value"), [("seq", "42"), ("parent", 7), ("tables", {"moves": {"files": []}}), ("stale", {})]
)
def test_what_is_no_commit_does_not_fit_the_schema(member: str, value: object):
    wrong = {**json.loads(COMMIT.to_json()), member: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA, jsonschema.Draft202012Validator)


def test_the_protocol_names_every_member_of_a_commit():
    rows = PROTOCOL.partition("\n## The commit\n")[2].partition("\n## ")[0]
    shown = set(re.findall(r"`(\w+)`", "\n".join(line for line in rows.splitlines() if line.startswith("| `"))))
    assert shown == {
        name
        for kind in (SCHEMA, SCHEMA["$defs"]["TableFiles"], SCHEMA["$defs"]["DataFile"])
        for name in kind["properties"]
    }
