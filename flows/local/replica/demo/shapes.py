"""The small shapes that PokeAPI's documents are made of: references, names, texts and picture URLs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flows.local.replica.demo.facts import LANGUAGES, Facts, FactsError, World

Document = dict[str, Any]

SPRITES = "https://raw.githubusercontent.com/PokeAPI/sprites/master/sprites"
CRIES = "https://raw.githubusercontent.com/PokeAPI/cries/main/cries/pokemon"


class Shapes:
    """Turns names into the shapes that refer to them; holds the ids behind the names."""

    def __init__(self, world: World) -> None:
        self._ids = world.ids

    def id(self, endpoint: str, name: str) -> int:
        """Return the id of a resource of the demo.

        Raises:
            FactsError: The endpoint has no such name.
        """
        try:
            return int(self._ids[endpoint][name])
        except KeyError:
            raise FactsError([f"{endpoint}: no facts for {name!r}, which others refer to"]) from None

    def ref(self, endpoint: str, name: str) -> Document:
        """Return a named reference: ``{"name": "electric", "url": "/api/v2/type/13/"}``."""
        return {"name": name, "url": url(endpoint, self.id(endpoint, name))}

    def ref_or_null(self, endpoint: str, name: str | None) -> Document | None:
        """Return a named reference, or null where nothing is referred to."""
        return None if name is None else self.ref(endpoint, name)

    def refs(self, endpoint: str, names: Iterable[str]) -> list[Document]:
        """Return references to several resources, by id."""
        return [self.ref(endpoint, name) for name in sorted(names, key=lambda name: self.id(endpoint, name))]

    def translated(self, key: str, texts: Mapping[str, str]) -> list[Document]:
        """Return ``[{"language": …, key: text}, …]`` by the language's id, from language -> text."""
        return [
            {"language": language, key: texts[language["name"]]} for language in self.refs("language", texts.keys())
        ]

    def names(self, names: Sequence[str], key: str = "name") -> list[Document]:
        """Return a ``names`` array from the names in the order of ``LANGUAGES``."""
        return self.translated(key, dict(zip(LANGUAGES, names, strict=False)))

    def term(self, name: str, facts: Facts) -> Document:
        """Return what every named resource of the small vocabularies has: id, name and names."""
        return {"id": facts["id"], "name": name, "names": self.names(facts["names"])}

    def english(self, **texts: str) -> list[Document]:
        """Return an array with one English entry, such as an ``effect_entries``."""
        return [{**texts, "language": self.ref("language", "en")}]

    def flavor_texts(self, endpoint: str, names: Iterable[str], text: str, key: str = "flavor_text") -> list[Document]:
        """Return one English entry of the same text for each version or version group."""
        place = endpoint.replace("-", "_")
        return [
            {key: text, "language": self.ref("language", "en"), place: reference}
            for reference in self.refs(endpoint, names)
        ]


def url(endpoint: str, id: int) -> str:
    """Return the relative address of a document.

    >>> url("pokemon", 25)
    '/api/v2/pokemon/25/'
    """
    return f"/api/v2/{endpoint}/{id}/"


def poses(folder: str, id: int, female: bool, extension: str = "png", back: bool = True) -> Document:
    """Return front and back, plain and shiny, default and female pictures of one Pokémon; null where there is none."""
    pictures: Document = {}
    for side, shiny, gender in [
        (side, shiny, gender) for side in ("back", "front") for shiny in (False, True) for gender in (False, True)
    ]:
        if side == "back" and not back:
            continue
        key = side + ("_shiny" if shiny else "") + ("_female" if gender else "" if shiny else "_default")
        steps = [side] * (side == "back") + ["shiny"] * shiny + ["female"] * gender + [f"{id}.{extension}"]
        pictures[key] = f"{SPRITES}/pokemon/{folder}{'/'.join(steps)}" if female or not gender else None
    return pictures
