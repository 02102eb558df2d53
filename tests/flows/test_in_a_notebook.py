"""A flow in a notebook, as docs/operate.md says: a cell runs inside an event loop, and a flow is called as anywhere."""

import nbformat
import pytest

from flows.local.replica import Running
from lake.store import Store
from tests.docs import code_blocks
from tests.flows.lakeside import current, release
from tests.lake.assemble.lakeside import only
from tests.notebooks import execute

IN_A_LOOP = "import asyncio; print(asyncio.get_running_loop().is_running())"
AWAY = """
from lake.errors import LakeError
try:
    refresh(lake, SourceChoice(base_url="http://127.0.0.1:9/api/v2/", attempts=1))
except LakeError as error:
    print(type(error).__name__)
"""
BESIDE = "print((await asyncio.to_thread(refresh, lake, source, return_state=True)).message)"


@pytest.mark.kernel
def test_a_flow_is_called_in_a_cell_as_anywhere(
    prefect_server: dict[str, str],
    store: Store,
    running: Running,
    documents: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
):
    release(running, only(documents, "type", "berry", "nature"))
    [called] = code_blocks("docs/operate.md", "python", "Call a flow from Python")
    called = called.replace("my-bucket", store.bucket).replace("https://pokeapi.co/api/v2/", running.url)
    for name, value in prefect_server.items():
        monkeypatch.setenv(name, value)
    cells = [IN_A_LOOP, called, "print(refresh(lake, source))", AWAY, BESIDE]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    execute(book)
    said = ["".join(output.text for output in cell.outputs if output.name == "stdout").strip() for cell in book.cells]
    snapshot = current(store).snapshot
    assert said[0] == "True"
    assert said[1].startswith(f"published {snapshot}: ")
    # Whoever does not ask for the state gets an error, or nothing.
    assert said[2:4] == ["None", "SourceError"]
    assert said[4].startswith("unchanged: ")
    assert said[4].endswith(f"readers see {snapshot}")
