"""What did not fit the declarations while tables were built: as findings, and the documents that are at fault."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from lake.publish import Finding, Level, some
from lake.publish.check import SHOWN_ROWS
from lake.tables import Drift
from lake.text import counted, shown


class Drifts:
    """The values that are not as declared, by their place."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, bool], list[Drift]] = defaultdict(list)

    def add(self, resource: str, drifts: Iterable[Drift]) -> None:
        """Note what one batch of a resource's documents gave."""
        for drift in drifts:
            self._found[resource, drift.path, drift.expected, drift.document is not None].append(drift)

    def findings(self) -> Iterator[Finding]:
        """Yield one finding for each place and what was expected there."""
        for (resource, path, expected, is_fault), drifts in self._found.items():
            examples = ", ".join(islice(dict.fromkeys(shown(drift.found) for drift in drifts), SHOWN_ROWS))
            place = f"{shown(path)}: " if path else ""
            said = f"{place}expected {shown(expected)}, found {examples}"
            if not is_fault:
                yield Finding(Level.WARN, "drift", resource, f"{said}; {counted(len(drifts), 'value')} landed as null")
                continue
            ids = sorted({drift.document for drift in drifts if drift.document is not None})
            of = counted(len(ids), "document")
            message = f"{said}; what does not fit is left out of {of}: {some(ids)}"
            yield Finding(Level.WARN, "left-out", resource, message)

    def faults(self) -> dict[tuple[str, int], str]:
        """Return the documents that a table cannot take as they are, each with the first reason."""
        faults: dict[tuple[str, int], str] = {}
        for (resource, *_), drifts in self._found.items():
            for drift in drifts:
                if drift.document is not None:
                    faults.setdefault((resource, drift.document), shown(str(drift)))
        return faults
