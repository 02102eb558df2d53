"""A lake that is damaged: the flow names it and fails, and what it shows is in Prefect."""

import json

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.verify import verify
from lake.publish.damage import UnsoundError
from lake.store import Store
from tests.flows.conftest import LOCATION
from tests.flows.lakeside import error_of
from tests.lake.publish.killing import NEW
from tests.lake.publish.littering import chain


def shown(key: str) -> tuple[str, object]:
    """Return the type and the data of the last artifact of a key."""
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        [found, *_] = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return str(found.type), found.data


def test_a_run_on_a_damaged_lake_fails_and_shows_what_is_wrong(prefect_server: dict[str, str], store: Store):
    chain(store, 40, 20)
    state = verify(LOCATION, every=True, return_state=True)
    assert state.is_completed()
    assert str(state.message).startswith("whole: 4 files of 2 snapshots, ")
    assert shown("pokelake-verification-lake-pokelake") == ("progress", 100)
    key = f"snapshots/{NEW}/types/part-0.parquet"
    store.delete([key])
    state = verify(LOCATION, return_state=True)
    assert error_of(state, UnsoundError).found.damaged(NEW).keys() == {"types"}
    assert f"- {store.uri(key)}: expected an object, found none; run " in str(state.message)
    kind, data = shown("pokelake-verified-lake-pokelake")
    assert kind == "table"
    assert [row["where"] for row in json.loads(str(data))] == [store.uri(key)]
