"""A small corpus that comes with the package: well-known Pokémon and all that they refer to, for ``make demo``.

The facts are written by hand in the TOML files beside this module; everything that follows from them
(back references, past damage relations, experience tables, URLs) is derived when they are rendered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.local.replica.demo.build import documents

if TYPE_CHECKING:
    from flows.local.replica.corpus import Corpus

__all__ = ["corpus", "documents"]


def corpus() -> Corpus:
    """Return the demo's documents as a corpus that the replica can serve."""
    from flows.local.replica.corpus import Corpus

    return Corpus.from_documents(documents())
