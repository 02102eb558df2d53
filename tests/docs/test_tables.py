"""The data dictionary has everything that is declared, and its links lead somewhere; test_generated
holds that it is current."""

import re
import tomllib

from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.tables import TABLES
from lake.views import VIEWS
from tests.docs import REPOSITORY
from tests.docs.dictionary import CAVEATS

PAGE = (REPOSITORY / "docs/tables.md").read_text(encoding="utf-8")
NOTES = tomllib.loads(CAVEATS.read_text(encoding="utf-8"))
EVERY_TABLE = (*TABLES, DOCUMENTS, DOCUMENT_INDEX)


def test_the_data_dictionary_has_every_table_once_with_every_column():
    sections = re.split(r"^### (.+)\n", PAGE, flags=re.MULTILINE)[1:]
    found = {
        name: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
        for name, text in zip(sections[::2], sections[1::2], strict=True)
    }
    assert len(sections) == 2 * len(found)
    declared = (*EVERY_TABLE, *(view.table for view in VIEWS.values()))
    assert found == {table.name: [field.name for field in table.fields] for table in declared}


def test_every_link_of_the_data_dictionary_leads_to_a_heading():
    headings = [
        line.lstrip("# ").lower().replace(" ", "-") for line in PAGE.splitlines() if line.startswith(("## ", "### "))
    ]
    links = re.findall(r"\]\(#([^)]*)\)", PAGE)
    assert len(set(headings)) == len(headings)
    assert len(links) > len(EVERY_TABLE)
    assert set(links) <= set(headings)


def test_every_reference_leads_to_a_table():
    """A resource without a table of its own would be named without a link."""
    references = {field.references for table in TABLES for field in table.fields if field.references}
    assert {name for name in references if f"[{name}](#" not in PAGE} == set()


def test_caveats_name_tables_and_columns_that_exist():
    tables = {table.name: {field.name for field in table.fields} for table in EVERY_TABLE}
    known = {*tables, *VIEWS, "generation", "resource"}.union(*tables.values())
    assert set(NOTES["tables"]) <= set(tables)
    said = [text for texts in (NOTES["everywhere"], *NOTES["tables"].values()) for text in texts]
    named = {name for text in said for name in re.findall(r"`([a-z_]+)`", text)}
    assert len(named) > 20
    assert named - known == set()
