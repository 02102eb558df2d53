"""The documents that are written from the code: ``python -m tests.docs.generated``, which is ``make docs``.

So is the notebook, whose outputs another test compares, because its pictures are not the same on all machines.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from blocks.source_config import ColumnConfig, RestConfig, SourceConfig, TableConfig
from lake.commit import Commit
from tests.docs import REPOSITORY
from tests.docs.cookbook import cookbook
from tests.docs.dictionary import dictionary
from tests.notebooks.first_look import PATH, first_look

# Each form whose settings docs/sources.md lists, by the comment above its table; another comment ends the table.
SETTINGS: Mapping[str, type[BaseModel]] = {
    "<!-- Written by `make docs`, from the block's declaration. -->\n": SourceConfig,
    "<!-- Written by `make docs`, from the declaration of `rest`. -->\n": RestConfig,
    "<!-- Written by `make docs`, from the declaration of a table. -->\n": TableConfig,
    "<!-- Written by `make docs`, from the declaration of a column. -->\n": ColumnConfig,
}
END = "<!-- end -->\n"


def commit_schema() -> str:
    """Return the JSON schema of a commit."""
    schema = msgspec.json.schema(Commit)
    for definition in schema["$defs"].values():
        definition["description"] = " ".join(definition["description"].split())
    dialect = "https://json-schema.org/draft/2020-12/schema"
    commit = schema["$defs"].pop(Commit.__name__)
    return json.dumps({"$schema": dialect, **commit, "$defs": schema["$defs"]}, indent=1, ensure_ascii=False) + "\n"


def sources() -> str:
    """Return the page about sources, with the settings as they are declared."""
    text = (REPOSITORY / "docs/sources.md").read_text()
    for begin, form in SETTINGS.items():
        before, _, rest = text.partition(begin)
        after = rest.partition(END)[2]
        rows = [
            f"| `{name}` | {_shown(field.default)} | {field.description} |" for name, field in form.model_fields.items()
        ]
        table = "\n".join(("| setting | default | meaning |", "| --- | --- | --- |", *rows))
        text = f"{before}{begin}{table}\n{END}{after}"
    return text


def _shown(default: Any) -> str:
    return f"`{json.dumps(to_jsonable_python(default))}`"


GENERATED: Mapping[str, Callable[[], str]] = {
    "docs/commit.schema.json": commit_schema,
    "docs/cookbook.md": cookbook,
    "docs/sources.md": sources,
    "docs/tables.md": dictionary,
}


if __name__ == "__main__":
    for path, content in GENERATED.items():
        (REPOSITORY / path).write_text(content())
    PATH.write_text(first_look())
