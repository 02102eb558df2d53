"""Where a new lake may lie, and that one which lies elsewhere already goes on."""

import pytest

from flows.steps.start import look
from lake.crawl import Upstream
from lake.errors import StoreError
from lake.read import Lake
from lake.store import Store
from tests.lake.assemble.listings import SOURCE
from tests.lake.read import FIRST, moves, publish

ODD = 'our lake/größe [1]=*?#%20 "x"'


def test_a_new_lake_is_refused_where_readers_would_have_to_escape_its_address(store: Store):
    with pytest.raises(StoreError, match="for a new lake, because readers would have to escape the rest"):
        look(Store(store.bucket, ODD, store._s3), SOURCE, Upstream("1", {}))
    assert look(store, SOURCE, Upstream("1", {})).parent is None


def test_a_lake_that_lies_there_already_is_refreshed_and_read(store: Store):
    odd = Store(store.bucket, ODD, store._s3)
    publish(odd, FIRST, [moves((1, 1, 40), (2, 2, None))])
    begun = look(odd, SOURCE, Upstream("1", {}))
    assert begun.parent is not None
    lake = Lake(odd)
    assert lake.read("moves", [("generation", "==", 2)])["move_id"].tolist() == [2]
    assert lake.dataset("moves").count_rows() == 2
    assert lake.sql("SELECT max(power) AS n FROM moves")["n"].tolist() == [40]
    assert lake.columns("moves")["name"].tolist() == ["move_id", "generation_id", "power", "generation"]
    assert ODD in repr(lake)
