"""Orders of a shop as a JSON API would send them: documents of about 2 kB, each with two lists of objects.

Each has strings, integers, fractions, booleans, times, objects two deep, and a list of strings; a few of its members
are null or absent. They are drawn with a fixed seed, so all who ask for the same number get the same bytes.
"""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

SEED = 16

ITEMS = EVENTS = range(3, 9)
TAGS = range(5)

_BEGIN = datetime(2026, 1, 1)
_YEAR_SECONDS = 365 * 24 * 3600

_STATUS = ("placed", "paid", "packed", "shipped", "delivered", "returned")
_COUNTRIES = ("AT", "DE", "FR", "JP", "NZ", "PT", "US")
_COLOURS = ("amber", "black", "cerise", "jade", "navy", "silver", "white")
_TAGS = ("bulk", "express", "fragile", "gift", "insured", "repeat", "wholesale")
_WORDS = (
    *("amber", "autumn", "back", "bell", "box", "carrier", "corner", "courier", "door", "evening", "garden", "gate"),
    *("hall", "leave", "left", "morning", "neighbour", "next", "note", "office", "only", "parcel", "please", "porch"),
    *("quiet", "reception", "right", "ring", "second", "shelf", "side", "signature", "table", "third", "under", "wait"),
    *("ward", "west", "window", "yard", "yellow"),
)


class _Lists(msgspec.Struct):
    """The lists of an order; their elements are rows of a table each."""

    items: list[msgspec.Raw]
    events: list[msgspec.Raw]
    tags: list[str]


_LISTS = msgspec.json.Decoder(_Lists)


def orders(count: int) -> Iterator[bytes]:
    """Yield the JSON of that many orders, by ascending id."""
    draw = random.Random(SEED)
    for id_ in range(1, count + 1):
        yield msgspec.json.encode(_order(draw, id_))


def write_orders(count: int, target: Path) -> dict[str, int]:
    """Write that many orders into a file, a line each; return how many rows they make of each table."""
    rows = Counter[str]()
    with target.open("wb") as lines:
        for body in orders(count):
            lines.write(body + b"\n")
            lists = _LISTS.decode(body)
            rows.update(orders=1, **{f"orders_{name}": len(getattr(lists, name)) for name in lists.__struct_fields__})
    return dict(rows)


def _order(draw: random.Random, id_: int) -> dict[str, Any]:
    at = _BEGIN + timedelta(seconds=draw.randrange(_YEAR_SECONDS))
    order = {
        "id": id_,
        "reference": f"{draw.getrandbits(64):016x}-{id_:07d}",
        "status": draw.choice(_STATUS),
        "placed_at": _time(at),
        "updated_at": _time(at + timedelta(seconds=draw.randrange(10 * 24 * 3600))),
        "is_paid": draw.random() < 0.9,
        "is_gift": draw.random() < 0.1,
        "priority": draw.randrange(5),
        "weight_kg": round(draw.uniform(0.1, 40), 3),
        "discount": None if draw.random() < 0.7 else round(draw.uniform(0.01, 0.4), 2),
        "total": {"currency": "EUR", "net": _price(draw), "tax": _price(draw), "items": draw.randrange(1, 40)},
        "customer": {
            "id": draw.randrange(1, 20_001),
            "name": f"{draw.choice(_WORDS).title()} {draw.choice(_WORDS).title()}",
            "email": f"{draw.choice(_WORDS)}.{draw.getrandbits(32):08x}@example.org",
            "is_member": draw.random() < 0.4,
            "address": {
                "street": f"{draw.choice(_WORDS).title()} Street {draw.randrange(1, 300)}",
                "post_code": f"{draw.randrange(100_000):05d}",
                "city": draw.choice(_WORDS).title(),
                "country": draw.choice(_COUNTRIES),
                "latitude": round(draw.uniform(-60, 70), 6),
                "longitude": round(draw.uniform(-180, 180), 6),
            },
        },
        "note": _sentence(draw, 40),
        "items": [_item(draw, number) for number in range(draw.choice(ITEMS))],
        "events": [_event(draw, at) for _ in range(draw.choice(EVENTS))],
        "tags": draw.sample(_TAGS, draw.choice(TAGS)),
    }
    if draw.random() < 0.2:
        order["coupon"] = f"C-{draw.getrandbits(24):06x}"
    return order


def _item(draw: random.Random, number: int) -> dict[str, Any]:
    return {
        "line": number + 1,
        "sku": f"SKU-{draw.randrange(5_000):05d}",
        "title": _sentence(draw, 3),
        "colour": draw.choice(_COLOURS),
        "quantity": draw.randrange(1, 10),
        "unit_price": _price(draw),
        "is_returnable": draw.random() < 0.8,
    }


def _event(draw: random.Random, at: datetime) -> dict[str, Any]:
    return {
        "at": _time(at + timedelta(seconds=draw.randrange(5 * 24 * 3600))),
        "kind": draw.choice(_STATUS),
        "actor_id": draw.randrange(1, 400),
        "note": None if draw.random() < 0.5 else _sentence(draw, 5),
    }


def _price(draw: random.Random) -> float:
    return round(draw.uniform(0.5, 900), 2)


def _sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(_WORDS, k=words))


def _time(at: datetime) -> str:
    return f"{at.isoformat()}Z"
