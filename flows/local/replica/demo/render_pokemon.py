"""Renders ``pokemon``, ``pokemon-species`` and ``pokemon-form`` documents."""

from __future__ import annotations

from collections.abc import Iterator

from flows.local.replica.demo.facts import LANGUAGES, STATS, Facts, Pokemon, Species, World
from flows.local.replica.demo.shapes import CRIES, SPRITES, Document, Shapes, poses, url

# From generation II to V a species' number inside the games was its national number, but for generation III,
# which numbered its own species in another way.
NATIONAL_INDEX_GENERATIONS = ("generation-ii", "generation-iii", "generation-iv", "generation-v")
OWN_INDEX_GENERATION = "generation-iii"

# Hidden abilities came with generation V; a species that is older has gone without.
LAST_WITHOUT_HIDDEN_ABILITIES = "generation-iv"
LAST_SPECIES_WITHOUT_HIDDEN_ABILITIES = 493


def pokemon_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every variety, species and form."""
    order = 0
    for species in world.species.values():
        yield f"pokemon-species/{species.id}", _species(world, shapes, species)
        for pokemon in species.pokemon:
            order += 1
            yield f"pokemon/{pokemon.id}", _pokemon(world, shapes, species, pokemon, order)
            form_id = shapes.id("pokemon-form", pokemon.name)
            yield f"pokemon-form/{form_id}", _form(world, shapes, species, pokemon, order)


def _pokemon(world: World, shapes: Shapes, species: Species, pokemon: Pokemon, order: int) -> Document:
    body = pokemon.body
    past = species.past if pokemon.is_default else {}
    return {
        "abilities": [
            {"ability": shapes.ref("ability", name), "is_hidden": slot == 3, "slot": slot}
            for slot, name in enumerate(body.abilities, 1)
            if name
        ],
        "base_experience": body.base_experience,
        "cries": {
            "latest": f"{CRIES}/latest/{pokemon.id}.ogg",
            "legacy": f"{CRIES}/legacy/{pokemon.id}.ogg" if pokemon.id <= 649 else None,
        },
        "forms": [shapes.ref("pokemon-form", pokemon.name)],
        "game_indices": list(_game_indices(world, shapes, species)) if pokemon.is_default else [],
        "height": body.height,
        "held_items": [
            {
                "item": shapes.ref("item", item),
                "version_details": [
                    {"rarity": held["rarity"], "version": version}
                    for version in shapes.refs("version", held["versions"])
                ],
            }
            for item, held in species.held_items.items()
            if pokemon.is_default
        ],
        "id": pokemon.id,
        "is_default": pokemon.is_default,
        "location_area_encounters": url("pokemon", pokemon.id) + "encounters",
        "moves": [
            {
                "move": move,
                "version_group_details": [
                    {
                        "level_learned_at": learnt.level,
                        "move_learn_method": shapes.ref("move-learn-method", learnt.method),
                        "order": learnt.order,
                        "version_group": shapes.ref("version-group", learnt.version_group),
                    }
                    for learnt in pokemon.learnset[move["name"]]
                ],
            }
            for move in shapes.refs("move", pokemon.learnset)
        ],
        "name": pokemon.name,
        "order": order if (pokemon.form or {}).get("is_sorted", True) else -1,
        "past_abilities": [
            *(
                _past_ability(shapes, generation, shapes.ref("ability", name) if name else None, int(slot))
                for generation, slots in past.get("abilities", {}).items()
                for slot, name in slots.items()
            ),
            *(
                [_past_ability(shapes, LAST_WITHOUT_HIDDEN_ABILITIES, None, slot=3)]
                if pokemon.is_default and body.abilities[2] and species.id <= LAST_SPECIES_WITHOUT_HIDDEN_ABILITIES
                else []
            ),
        ],
        "past_stats": [
            {
                "generation": shapes.ref("generation", generation),
                "stats": [
                    {"base_stat": value, "effort": effort, "stat": shapes.ref("stat", stat)}
                    for stat, (value, effort) in stats.items()
                ],
            }
            for generation, stats in past.get("stats", {}).items()
        ],
        "past_types": [
            {"generation": shapes.ref("generation", generation), "types": _types(shapes, types)}
            for generation, types in past.get("types", {}).items()
        ],
        "species": shapes.ref("pokemon-species", species.name),
        "sprites": _sprites(pokemon.id, pokemon.is_default and species.looks.get("gender_differences", False)),
        "stats": [
            {"base_stat": value, "effort": effort, "stat": shapes.ref("stat", stat)}
            for stat, value, effort in zip(STATS, body.stats, body.effort, strict=True)
        ],
        "types": _types(shapes, body.types),
        "weight": body.weight,
    }


def _species(world: World, shapes: Shapes, species: Species) -> Document:
    looks, breeding = species.looks, species.breeding
    generation = world.generation("species", species.id)
    debut = world.terms["version-group"][world.version_groups(generation)[0]]
    chain_id, parent = next(
        (id, next((step["from"] for step in chain["steps"] if step["to"] == species.name), None))
        for id, chain in world.chains.items()
        if species.name in (chain["root"], *(step["to"] for step in chain["steps"]))
    )
    # Species keep their English name in Spanish and Italian.
    names = dict(zip(LANGUAGES, species.names, strict=True)) | dict.fromkeys(("es", "it"), species.names[0])
    entries = {"national": species.id} | ({"kanto": species.id} if generation == "generation-i" else {})
    return {
        "base_happiness": breeding.get("base_happiness", 70),
        "capture_rate": breeding["capture_rate"],
        "color": shapes.ref("pokemon-color", looks["color"]),
        "egg_groups": shapes.refs("egg-group", breeding["egg_groups"]),
        "evolution_chain": {"url": url("evolution-chain", chain_id)},
        "evolves_from_species": shapes.ref_or_null("pokemon-species", parent),
        "flavor_text_entries": shapes.flavor_texts("version", debut["versions"], species.text),
        "form_descriptions": [],
        "forms_switchable": any(pokemon.form and pokemon.form["is_battle_only"] for pokemon in species.pokemon),
        "gender_rate": breeding["gender_rate"],
        "genera": shapes.english(genus=f"{species.genus} Pokémon"),
        "generation": shapes.ref("generation", generation),
        "growth_rate": shapes.ref("growth-rate", breeding["growth_rate"]),
        "habitat": shapes.ref_or_null("pokemon-habitat", looks.get("habitat")),
        "has_gender_differences": looks.get("gender_differences", False),
        "hatch_counter": breeding["hatch_counter"],
        "id": species.id,
        "is_baby": looks.get("is_baby", False),
        "is_legendary": looks.get("is_legendary", False),
        "is_mythical": looks.get("is_mythical", False),
        "name": species.name,
        "names": shapes.translated("name", names),
        "order": species.sort_order,
        "pal_park_encounters": [{**species.pal_park, "area": shapes.ref("pal-park-area", species.pal_park["area"])}]
        if species.pal_park
        else [],
        "pokedex_numbers": [
            {"entry_number": number, "pokedex": shapes.ref("pokedex", pokedex)} for pokedex, number in entries.items()
        ],
        "shape": shapes.ref("pokemon-shape", looks["shape"]),
        "varieties": [
            {"is_default": pokemon.is_default, "pokemon": shapes.ref("pokemon", pokemon.name)}
            for pokemon in species.pokemon
        ],
    }


def _form(world: World, shapes: Shapes, species: Species, pokemon: Pokemon, order: int) -> Document:
    form = pokemon.form or {}
    since = form.get("since") or world.version_groups(world.generation("species", species.id))[0]
    return {
        "form_name": form.get("form_name", ""),
        "form_names": shapes.names(form.get("names", ())),
        "form_order": form.get("order", 1),
        "id": shapes.id("pokemon-form", pokemon.name),
        "is_battle_only": form.get("is_battle_only", False),
        "is_default": True,
        "is_mega": form.get("is_mega", False),
        "name": pokemon.name,
        "names": shapes.names(form.get("names", ())),
        "order": order,
        "pokemon": shapes.ref("pokemon", pokemon.name),
        "sprites": poses("", pokemon.id, pokemon.is_default and species.looks.get("gender_differences", False))
        | {"versions": {"generation-ix": {"scarlet-violet": _icon("generation-ix/scarlet-violet", pokemon.id)}}},
        "trigger_conditions": _triggers(shapes, form),
        "types": _types(shapes, pokemon.body.types),
        "version_group": shapes.ref("version-group", since),
    }


def _triggers(shapes: Shapes, form: Facts) -> list[Document]:
    """Return what brings the form about; an item is named beside its kind, where there is one."""
    if "trigger" not in form:
        return []
    return [{"trigger": form["trigger"]} | (shapes.ref("item", form["item"]) if "item" in form else {})]


def _types(shapes: Shapes, types: list[str]) -> list[Document]:
    return [{"slot": slot, "type": shapes.ref("type", name)} for slot, name in enumerate(types, 1)]


def _past_ability(shapes: Shapes, generation: str, ability: Document | None, slot: int) -> Document:
    return {
        "abilities": [{"ability": ability, "is_hidden": slot == 3, "slot": slot}],
        "generation": shapes.ref("generation", generation),
    }


def _game_indices(world: World, shapes: Shapes, species: Species) -> Iterator[Document]:
    born = world.ids["generation"][world.generation("species", species.id)]
    for group in world.terms["version-group"].values():
        index = species.id if group["generation"] in NATIONAL_INDEX_GENERATIONS else None
        if group["generation"] == "generation-i":
            index = species.red_index
        if world.ids["generation"][group["generation"]] < born or (
            group["generation"] == OWN_INDEX_GENERATION == world.generation("species", species.id)
        ):
            index = None
        if index is not None:
            yield from ({"game_index": index, "version": shapes.ref("version", name)} for name in group["versions"])


def _icon(folder: str, id: int) -> Document:
    return {"front_default": f"{SPRITES}/pokemon/versions/{folder}/{id}.png", "front_female": None}


def _sprites(id: int, female: bool) -> Document:
    artwork = f"{SPRITES}/pokemon/other/official-artwork"
    dream = f"{SPRITES}/pokemon/other/dream-world/{id}.svg"
    return poses("", id, female) | {
        "other": {
            "dream_world": {"front_default": dream if id <= 649 else None, "front_female": None},
            "home": poses("other/home/", id, female, back=False),
            "official-artwork": {"front_default": f"{artwork}/{id}.png", "front_shiny": f"{artwork}/shiny/{id}.png"},
            "showdown": poses("other/showdown/", id, female, "gif") | {"back_shiny_female": None},
        },
        "versions": {
            "generation-vii": {"icons": _icon("generation-vii/icons", id)},
            "generation-viii": {"icons": _icon("generation-viii/icons", id)},
            "generation-ix": {"scarlet-violet": _icon("generation-ix/scarlet-violet", id)},
        },
    }
