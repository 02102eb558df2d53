"""Documents that are no object with an id."""

import pyarrow as pa

from lake.tables.wrap import wrapped


def test_a_list_becomes_a_member_beside_its_id():
    rows = pa.table({"id": pa.array([25, 26], pa.int64()), "body": ["[1]", " [] "]})
    assert wrapped("pokemon-encounters", rows).to_pylist() == [
        '{"id": 25, "encounters": [1]}',
        '{"id": 26, "encounters":  [] }',
    ]


def test_documents_with_an_id_are_left_as_they_are():
    rows = pa.table({"id": pa.array([25], pa.int64()), "body": ['{"id": 25}']})
    assert wrapped("pokemon", rows).to_pylist() == ['{"id": 25}']


def test_rows_in_several_chunks_stay_in_order():
    part = pa.table({"id": pa.array([0], pa.int64()), "body": ["{}"]})
    assert len(wrapped("meta", pa.concat_tables([part, part]))) == 2
