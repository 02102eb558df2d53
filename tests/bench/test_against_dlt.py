"""What is landed in the lake and in dlt: the orders, and what is said where there is no dlt."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bench import against_dlt
from bench.measure import BenchError
from bench.orders import EVENTS, ITEMS, orders, write_orders


def test_orders_are_the_same_each_time_and_of_two_kilobytes():
    bodies = list(orders(300))
    assert list(orders(300)) == bodies
    assert [msgspec.json.decode(body)["id"] for body in bodies] == list(range(1, 301))
    assert 1_900 < sum(map(len, bodies)) / len(bodies) < 2_100


def test_an_order_has_two_lists_of_objects_and_one_of_texts(tmp_path: Path):
    found = [msgspec.json.decode(body) for body in orders(100)]
    assert {len(order["items"]) for order in found} == set(ITEMS)
    assert {len(order["events"]) for order in found} == set(EVENTS)
    assert {type(tag) for order in found for tag in order["tags"]} == {str}
    assert {type(order["customer"]["address"]["latitude"]) for order in found} == {float}
    assert {order["discount"] is None for order in found} == {"coupon" in order for order in found} == {True, False}
    times = [order["placed_at"] for order in found] + [event["at"] for order in found for event in order["events"]]
    assert {datetime.fromisoformat(time).utcoffset() for time in times} == {timedelta(0)}
    counted = {f"orders_{name}": sum(len(order[name]) for order in found) for name in ("items", "events", "tags")}
    assert write_orders(100, tmp_path / "orders.jsonl") == {"orders": 100, **counted}
    assert (tmp_path / "orders.jsonl").read_bytes().splitlines() == list(orders(100))


def test_without_dlt_one_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(against_dlt, "VENV", tmp_path / "file" / "dlt")
    with pytest.raises(BenchError, match=r"dlt\[filesystem,parquet\]==.* cannot be installed into .*--only"):
        against_dlt.python_with_dlt()
