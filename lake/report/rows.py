"""The rows that a page is made of: read from the tables and ready views of one snapshot, as far as it has them."""

from collections.abc import Sequence
from typing import Any, cast

from lake.commit import Commit
from lake.errors import UnknownNameError
from lake.read import Lake
from lake.read.ready import known

Row = dict[str, Any]

# PokeAPI's id of English.
ENGLISH = 9


class Rows:
    """One snapshot as a page reads it; remembers which tables it lacks, because earlier code wrote fewer."""

    def __init__(self, lake: Lake) -> None:
        """Take a lake that `Lake.at` has pinned to the snapshot."""
        self.lake = lake
        self.commit: Commit = lake.commit()
        self.lacking = set[str]()
        self._known = set(known(self.commit))
        self._names: dict[str, dict[int, str]] | None = None

    def of(self, name: str, *columns: str, **equal: object) -> list[Row]:
        """Return these columns of a table or view, null as None, where others equal a value.

        There are none if the snapshot lacks the table, or one of the columns.
        """
        if name not in self._known:
            self.lacking.add(name)
            return []
        filters = [(column, "==", value) for column, value in equal.items()] or None
        try:
            frame = self.lake.read(name, filters=filters, columns=list(columns))
        except UnknownNameError:
            self.lacking.add(name)
            return []
        objects = frame.astype(object)
        return cast(list[Row], objects.where(frame.notna(), None).to_dict("records"))

    def called(self, resource: str, id_: int, slug: str) -> str:
        """Return the English name of a thing; where the source has none, its slug in words, or its path as it is."""
        if self._names is None:
            self._names = {}
            for row in self.of("names", "resource_name", "resource_id", "name", language_id=ENGLISH):
                self._names.setdefault(row["resource_name"], {}).setdefault(row["resource_id"], row["name"])
        return self._names.get(resource, {}).get(id_) or (slug if "/" in slug else in_words(slug))

    def called_pokemon(self, one: Row) -> str:
        """Return the English name of a Pokémon; a variety that is not the default one is called by its slug."""
        if not one["is_default"]:
            return in_words(one["name"])
        return self.called("pokemon-species", one["species_id"], one["name"])


def in_words(slug: str | None) -> str:
    """Return a slug as words.

    >>> in_words("mr-mime")
    'Mr Mime'
    """
    return " ".join(word[:1].upper() + word[1:] for word in (slug or "").split("-") if word)


def largest(counts: dict[str, int], most: int) -> Sequence[tuple[str, int]]:
    """Return the largest of some counts, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
