"""What the trial of a source found, and the same for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flows.cli.block_text import block_text
from lake.assemble.trial import Landing, TriedTable, landings
from lake.cli.values import json_rows
from lake.crawl.estimate import Estimate, estimate
from lake.crawl.trial import Trial
from lake.schema import dictionary_of
from lake.source import Source


@dataclass(frozen=True, slots=True)
class Tried:
    """A source that was tried: its collections, what each would land, and what is wrong with the others.

    `requests` are those that were made; `name` is that of the block to save, and `key_variable` that of the environment
    variable with its key, if one was named.
    """

    source: Source
    trials: tuple[Trial, ...]
    wrong: Mapping[str, str]
    landed: Mapping[str, Landing]
    requests: int
    name: str
    key_variable: str

    @classmethod
    def of(
        cls, source: Source, trials: list[Trial], wrong: Mapping[str, str], requests: int, name: str, key_variable: str
    ) -> "Tried":
        """Return what was found, with the tables that follow from it."""
        return cls(source, tuple(trials), wrong, landings(source, trials), requests, name, key_variable)

    @property
    def estimates(self) -> tuple[Estimate, Estimate]:
        """What a first crawl takes, and a refresh after it."""
        return estimate(self.source, self.trials)

    @property
    def block(self) -> str:
        """Python that saves the block."""
        return block_text(self.source, self.name, self.key_variable)

    def json(self) -> str:
        """Return it as a JSON object."""
        first, refresh = self.estimates
        found = {
            "base_url": self.source.base_url,
            "kind": self.source.kind,
            "requests_made": self.requests,
            "collections": [_collection(trial, self.landed[trial.resource]) for trial in self.trials],
            "wrong": dict(self.wrong),
            "first_crawl": asdict(first),
            "refresh": asdict(refresh),
            "block": self.block,
        }
        return json.dumps(found, ensure_ascii=False)


def _collection(trial: Trial, landing: Landing) -> dict[str, Any]:
    return {
        "resource": trial.resource,
        "url": trial.url,
        "items": trial.items,
        "count": trial.count,
        "follows": trial.follows,
        "next_page_by": trial.way_on,
        "page_bytes": trial.bytes,
        "page_etag": trial.etag,
        "rate_limit": dict(trial.rate_limit),
        "documents": [{"path": one.path, "etag": one.etag} for one in trial.documents],
        "remarks": list(trial.remarks),
        "notes": list(landing.notes),
        "tables": [_facts(tried) for tried in landing.tables],
    }


def _facts(tried: TriedTable) -> dict[str, Any]:
    entries = dictionary_of(tried.table)
    for entry, field in zip(entries, tried.table.fields, strict=True):
        entry["is_json"] = field.is_json
    return {
        "table": tried.table.name,
        "grain": tried.table.grain,
        "primary_key": tried.table.primary_key,
        "columns": entries,
        "rows": json.loads("".join(json_rows(tried.first))),
    }
