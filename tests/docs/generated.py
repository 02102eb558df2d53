"""The documents that are written from the code: ``python -m tests.docs.generated``, which is ``make docs``."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from pydantic_core import to_jsonable_python

from blocks.source_config import SourceConfig
from lake.commit import Commit
from tests.docs import REPOSITORY
from tests.docs.dictionary import dictionary

SETTINGS_BEGIN = "<!-- Written by `make docs`, from the block's declaration. -->\n"
SETTINGS_END = "<!-- end -->\n"


def commit_schema() -> str:
    """Return the JSON schema of a commit."""
    schema = msgspec.json.schema(Commit)
    for definition in schema["$defs"].values():
        definition["description"] = " ".join(definition["description"].split())
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **schema}, indent=1, ensure_ascii=False) + "\n"


def sources() -> str:
    """Return the page about sources, with the settings as the block declares them."""
    text = (REPOSITORY / "docs/sources.md").read_text()
    before, after = text.partition(SETTINGS_BEGIN)[0], text.partition(SETTINGS_END)[2]
    rows = [
        f"| `{name}` | {_shown(field.default)} | {field.description} |"
        for name, field in SourceConfig.model_fields.items()
    ]
    table = "\n".join(("| setting | default | meaning |", "| --- | --- | --- |", *rows))
    return f"{before}{SETTINGS_BEGIN}{table}\n{SETTINGS_END}{after}"


def _shown(default: Any) -> str:
    return f"`{json.dumps(to_jsonable_python(default))}`"


GENERATED: Mapping[str, Callable[[], str]] = {
    "docs/commit.schema.json": commit_schema,
    "docs/sources.md": sources,
    "docs/tables.md": dictionary,
}


if __name__ == "__main__":
    for path, content in GENERATED.items():
        (REPOSITORY / path).write_text(content())
