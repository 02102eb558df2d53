"""Rules that make the replica misbehave, and which of them meets a request."""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


class FaultError(Exception):
    """A fault rule is malformed; the message says which, what was expected and what was found."""


@dataclass(frozen=True)
class Value:
    """A value that a kind of fault takes; without a default it must be given."""

    types: tuple[type, ...]
    default: Any = None
    is_required: bool = False
    choices: tuple[str, ...] = ()


NUMBER = (int, float)

KINDS: Mapping[str, Mapping[str, Value]] = {
    # Waits before it answers; further rules apply to the answer.
    "latency": {"seconds": Value(NUMBER, is_required=True)},
    "status": {"status": Value((int,), is_required=True), "retry_after": Value((str, type(None)))},
    "drop": {},
    # The answer ends after the share ``keep`` of it, and with the variants but "gzip" the connection as well.
    "truncated": {
        "variant": Value((str,), "length", choices=("length", "chunked", "close", "gzip")),
        "keep": Value(NUMBER, 0.5),
    },
    "invalid_json": {},
    "html": {"status": Value((int,), 200)},
    "content_type": {"value": Value((str,), "text/plain; charset=utf-8")},
    # The connection is reset after the share ``keep`` of the body; null resets it before any answer.
    "reset": {"keep": Value((int, float, type(None)), 0.5)},
    "redirect": {"location": Value((str,), is_required=True), "status": Value((int,), 302)},
    "huge": {"bytes": Value((int,), is_required=True)},
    "bomb": {"bytes": Value((int,), is_required=True)},
    # Null stands for the id that follows the right one.
    "wrong_id": {"id": Value((int, type(None)))},
    # The last ``entries`` results of a page are missing, and ``count`` does not show it.
    "listing_short": {"entries": Value((int,), 1)},
    # ``count`` is too small by ``fewer``, and the first ``duplicates`` results of a page come twice.
    "listing_lie": {"fewer": Value((int,), 1), "duplicates": Value((int,), 1)},
    # The last ``entries`` resources are gone from the listing and from ``count``.
    "listing_shrunk": {"entries": Value((int,), 1)},
}

COMMON: Mapping[str, Value] = {
    "path": Value((str,), ""),
    "share": Value(NUMBER, 1),
    "times": Value((int, type(None))),
    "per_path_times": Value((int, type(None))),
}


@dataclass(frozen=True)
class Rule:
    """One kind of misbehaviour, and the requests that it meets.

    ``path`` is searched in what follows ``/api/v2/``, without query and slash at the end. ``share`` of the paths
    that match are met, always the same ones. ``times`` and ``per_path_times`` bound how often; null is always.
    """

    kind: str
    path: re.Pattern[str]
    share: float
    times: int | None
    per_path_times: int | None
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, number: int, given: object) -> Self:
        """Check a rule as JSON has it; the number says in errors which of the list it is.

        Raises:
            FaultError: The kind, a value or its type is not one of those that exist.
        """
        where = f"rule {number}"
        if not isinstance(given, dict) or str(given.get("kind")) not in KINDS:
            raise FaultError(f"{where}: expected an object with a kind of {', '.join(KINDS)}; found {given!r}")
        kind = given["kind"]
        where = f"{where}, {kind}"
        known = {**COMMON, **KINDS[kind]}
        unknown = [name for name in given if name != "kind" and name not in known]
        if unknown:
            raise FaultError(f"{where}: expected the values {', '.join(known)}; found {unknown[0]!r}")
        values = {name: _checked(f"{where}: {name}", value, given, name) for name, value in known.items()}
        try:
            path = re.compile(values["path"])
        except re.error as error:
            raise FaultError(f"{where}: path: expected a regular expression, found {values['path']!r}") from error
        own = {name: values[name] for name in KINDS[kind]}
        return cls(kind, path, values["share"], values["times"], values["per_path_times"], own)

    def matches(self, path: str) -> bool:
        """Tell whether the rule is about a path, whatever has happened so far."""
        if not self.path.search(path):
            return False
        # The values keep rules of one kind from meeting the same share of the paths.
        salt = f"{self.kind} {json.dumps(self.values, sort_keys=True)} {path}"
        return self.share >= 1 or zlib.crc32(salt.encode()) / 2**32 < self.share


class Faults:
    """The rules in force; it keeps count of how often each has been applied."""

    def __init__(self, given: Iterable[object] = ()) -> None:
        self.rules = [Rule.parse(number, rule) for number, rule in enumerate(given)]
        self.applied: list[Counter[str]] = [Counter() for _ in self.rules]

    def meet(self, path: str) -> list[Rule]:
        """Return the rules that one request meets and count them: all latencies, then at most one other."""
        latencies: list[Rule] = []
        other: list[Rule] = []
        for rule, applied in zip(self.rules, self.applied, strict=True):
            if (rule.kind != "latency" and other) or not rule.matches(path):
                continue
            if rule.times is not None and applied.total() >= rule.times:
                continue
            if rule.per_path_times is not None and applied[path] >= rule.per_path_times:
                continue
            applied[path] += 1
            (latencies if rule.kind == "latency" else other).append(rule)
        return latencies + other

    def report(self) -> list[dict[str, Any]]:
        """Return the rules as JSON, each with the number of times it was ``applied``."""
        return [
            {
                "kind": rule.kind,
                "path": rule.path.pattern,
                "share": rule.share,
                "times": rule.times,
                "per_path_times": rule.per_path_times,
                **rule.values,
                "applied": applied.total(),
            }
            for rule, applied in zip(self.rules, self.applied, strict=True)
        ]


def _checked(where: str, value: Value, given: Mapping[str, Any], name: str) -> Any:
    if name not in given:
        if value.is_required:
            raise FaultError(f"{where}: expected a value, found none")
        return value.default
    found = given[name]
    if not isinstance(found, value.types) or isinstance(found, bool):
        names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in value.types)
        raise FaultError(f"{where}: expected {names}, found {found!r}")
    if value.choices and found not in value.choices:
        raise FaultError(f"{where}: expected {', '.join(value.choices)}; found {found!r}")
    if isinstance(found, int | float) and found < 0 and name != "id":
        raise FaultError(f"{where}: expected no less than 0, found {found!r}")
    if name == "status" and found not in range(200, 600):
        raise FaultError(f"{where}: expected 200 to 599, found {found!r}")
    return found
