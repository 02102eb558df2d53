"""Puts the demo's documents together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha1
from itertools import chain
from typing import Any

from flows.local.replica.demo.facts import load
from flows.local.replica.demo.render_battle import ability_documents, move_documents, type_documents
from flows.local.replica.demo.render_contests import berry_documents, contest_documents, nature_documents
from flows.local.replica.demo.render_evolution import chain_documents
from flows.local.replica.demo.render_pokemon import pokemon_documents
from flows.local.replica.demo.render_terms import item_documents, term_documents
from flows.local.replica.demo.render_world import encounter_documents, game_documents, place_documents
from flows.local.replica.demo.shapes import Shapes

# 2026-01-01 in seconds since 1970, as PokeAPI writes it.
DEPLOY_DATE = "1767225600"


def documents() -> dict[str, bytes]:
    """Return the demo corpus: canonical path -> minified JSON with relative URLs.

    The paths are those below ``/api/v2/``, such as ``pokemon/25``, ``pokemon/25/encounters`` and ``meta``;
    ``meta`` has a hash of all the others, so it tells whether a fact has changed.

    Raises:
        FactsError: The facts contradict each other.
    """
    rendered = dict(sorted((path, minified(document)) for path, document in _documents()))
    digest = sha1(usedforsecurity=False)
    for path, body in rendered.items():
        digest.update(path.encode() + b"\0" + body + b"\0")
    rendered["meta"] = minified({"deploy_date": DEPLOY_DATE, "hash": digest.hexdigest(), "tag": None})
    return rendered


def minified(document: object) -> bytes:
    """Return a document as PokeAPI's static build writes it: sorted keys, no spaces, UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _documents() -> Iterator[tuple[str, Any]]:
    world = load()
    shapes = Shapes(world)
    return chain(
        pokemon_documents(world, shapes),
        encounter_documents(world, shapes),
        chain_documents(world, shapes),
        type_documents(world, shapes),
        ability_documents(world, shapes),
        move_documents(world, shapes),
        item_documents(world, shapes),
        game_documents(world, shapes),
        place_documents(world, shapes),
        term_documents(world, shapes),
        contest_documents(world, shapes),
        berry_documents(world, shapes),
        nature_documents(world, shapes),
    )
