"""The notebook that a newcomer opens first: it has outputs, and they are those of the code."""

import re
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks.first_look import PATH, executed, fill_lake


@pytest.fixture
def written() -> NotebookNode:
    return nbformat.read(PATH, as_version=4)


def code(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def said(book: NotebookNode) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the source and the outputs of each cell of code; of a picture, that there is one.

    Its bytes are not the same on all machines, and a new one says on standard error that it looks for fonts.
    """
    return [
        (
            cell.source,
            [
                {kind: None if kind == "image/png" else data for kind, data in output.data.items()}
                for output in cell.outputs
                if output.output_type != "stream"
            ],
        )
        for cell in code(book)
    ]


def test_the_outputs_of_all_cells_are_in_the_file(written: NotebookNode):
    assert [cell.execution_count for cell in code(written)] == list(range(1, len(code(written)) + 1))
    kinds = [[output.output_type for output in cell.outputs] for cell in code(written)]
    assert {kind for found in kinds for kind in found} == {"execute_result", "display_data"}
    assert all(len(found) == 1 for found in kinds)
    assert [kind for _, outputs in said(written) for kind in outputs[0] if kind.startswith("image/")] == ["image/png"]
    assert "<object" in said(written)[-1][1][0]["text/html"]


def test_nothing_in_it_is_of_one_machine():
    text = PATH.read_text()
    assert re.findall(r"127\.0\.0\.1|localhost|0x[0-9a-f]{6,}|/(?:home|root|tmp|Users|usr|var)/\S*", text) == []
    hosts = set(re.findall(r"https?://([^/\s\"\\]+)", text))
    assert hosts == {"raw.githubusercontent.com"}


@pytest.mark.kernel
def test_its_outputs_are_current(bucket: str, written: NotebookNode, monkeypatch: pytest.MonkeyPatch):
    for name in ("POKELAKE_BUCKET", "POKELAKE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    fill_lake()
    assert said(executed()) == said(written), f"`make docs` writes {PATH.name} anew"
