"""Whether an id whose document has another name stands for another thing: where did the old name go?"""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from lake.identity import judged, names_in, standing, stands_elsewhere
from lake.resource import IdentityChange


def part(*rows: tuple[int, str | None]) -> pa.Table:
    return pa.table({"id": [id_ for id_, _ in rows], "name": pa.array([name for _, name in rows], pa.string())})


def change(id_: int, before: str, after: str, is_reused: bool = False) -> IdentityChange:
    return IdentityChange("pokemon-form", id_, before, after, is_reused)


def reused(changes: Sequence[IdentityChange], *parts: pa.Table) -> list[int]:
    where = standing(parts, {one.before_name for one in changes})
    return [one.id for one in judged(changes, where) if one.is_reused]


def test_an_id_whose_old_name_stands_under_another_id_was_reused_however_alike_they_are():
    changes = [change(10404, "eiscue-noice", "sneasel-hisui"), change(10407, "frillish", "frillish-male")]
    after = part((10404, "sneasel-hisui"), (10407, "frillish-male")), part((10440, "eiscue-noice"))
    assert reused(changes, *after) == [10404]


def test_ids_that_changed_their_names_with_each_other_were_reused():
    changes = [change(768, "malie-city", "seafolk-village"), change(1045, "seafolk-village", "malie-city")]
    assert reused(changes, part((768, "seafolk-village"), (1045, "malie-city"))) == [768, 1045]


def test_an_id_that_was_given_to_a_thing_that_is_nothing_alike_was_reused_wherever_its_name_went():
    assert reused([change(1, "a", "b", is_reused=True)], part((1, "b"))) == [1]


@pytest.mark.parametrize("ids", [(3, 11), (11, 3), (3, 3), (11, 12)])
def test_a_name_stands_elsewhere_if_any_other_id_has_it(ids: tuple[int, int]):
    where = standing([part(*((id_, "twin") for id_ in ids))], {"twin"})
    assert stands_elsewhere(where, "twin", 11)


def test_a_name_stands_nowhere_else_if_its_own_id_has_it_or_none():
    where = standing([part((11, "twin"), (12, None))], {"twin", "gone"})
    assert not stands_elsewhere(where, "twin", 11)
    assert not stands_elsewhere(where, "gone", 11)


def test_a_document_without_a_name_that_is_a_text_has_none():
    bodies = ['{"id":1,"name":"mew"}', '{"id":1}', '{"name":7}', '[{"name":"a"}]', "{", '{"name":"\\ud800"}']
    assert names_in(pa.chunked_array([bodies])).to_pylist() == ["mew", None, None, None, None, None]
