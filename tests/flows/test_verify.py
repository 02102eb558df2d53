"""A lake that is damaged: the flow names it and fails, and what it shows is in Prefect."""

import json
import re

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.local.replica import demo_documents
from flows.steps.outcome import published_by
from flows.verify import verify
from lake.commit import commit_seqs
from lake.layout import schema_key
from lake.publish.damage import UnsoundError
from lake.store import Store
from tests.flows.conftest import LOCATION
from tests.flows.lakeside import error_of
from tests.lake.assemble.lakeside import Lakeside, changed, hashes, only
from tests.lake.publish.killing import OLD
from tests.lake.publish.littering import chain, flip


def shown(key: str) -> tuple[str, object]:
    """Return the type and the data of the last artifact of a key."""
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        [found, *_] = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return str(found.type), found.data


def test_a_flipped_bit_is_named_and_repaired_and_the_lake_is_whole_again(prefect_server: dict[str, str], store: Store):
    """The next runs see damage of the earlier snapshot as what was repaired since."""
    lake = Lakeside(store)
    documents = only(demo_documents(), "type", "nature")
    lake.fill(documents)
    first = lake.fill(changed(documents, "type/1", name="plain"))
    state = verify(LOCATION, every=True, return_state=True)
    assert state.is_completed()
    assert re.match(r"whole: \d+ files of 2 snapshots, ", str(state.message))
    assert shown("pokelake-verification-lake-pokelake") == ("progress", 100)

    lost = schema_key(str(first.tables["types"].schema))
    fields = store.get(lost)
    store.delete([lost])
    state = verify(LOCATION, return_state=True)
    assert f"{store.uri(lost)}: expected a list of fields with SHA-256 " in str(error_of(state, UnsoundError))
    assert verify(LOCATION, repair=True, return_state=True).is_completed()
    assert (store.find(lost), lake.commit) == (fields, first)

    damaged = next(key for key in first.sizes() if "/types/" in key)
    flip(store, damaged)
    flip(store, next(key for key in first.sizes() if "resource=nature" in key))
    state = verify(LOCATION, return_state=True)
    assert error_of(state, UnsoundError).found.damaged(first.snapshot).keys() == {"documents", "types"}
    assert f"- {store.uri(damaged)}: expected the content with SHA-256 " in str(state.message)
    kind, data = shown("pokelake-verified-lake-pokelake")
    assert kind == "table"
    assert store.uri(damaged) in [row["where"] for row in json.loads(str(data))]

    state = verify(LOCATION, repair=True, return_state=True)
    now = lake.commit
    assert published_by(state) == now.snapshot
    assert f", which repairs 2 files of {first.snapshot}: " in str(state.message)
    assert (now.parent, hashes(now)) == (first.snapshot, hashes(first))
    state = verify(LOCATION, every=True, return_state=True)
    assert str(state.message).startswith("sound but for 2 damaged files of earlier snapshots, repaired since: ")
    assert f"\n- {store.uri(damaged)}: expected the content with SHA-256 " in str(state.message)
    state = verify(LOCATION, repair=True, return_state=True)
    assert (state.is_completed(), lake.commit) == (True, now)


def test_damage_of_an_earlier_snapshot_is_no_reason_to_publish(prefect_server: dict[str, str], store: Store):
    chain(store, 40, 20)
    key = f"snapshots/{OLD}/types/part-0.parquet"
    store.delete([key])
    state = verify(LOCATION, repair=True, return_state=True)
    assert "put back the object as it was published" in str(error_of(state, UnsoundError))
    assert commit_seqs(store) == [1, 2]
