"""First crawls and refreshes that find nothing, each a whole process, against the bare script."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import BenchError, Ended, python
from bench.rows import Row
from bench.world import World

LOADING = ("-c", "import prefect, prefect_aws")


def first_crawls(world: World, runs: int) -> Iterator[Row]:
    """Crawl everything, and Pokémon alone; what is left below `all-0` is for the rows that follow."""
    loads = [python(*LOADING) for _ in range(runs)]
    everything, everything_bare = _pairs(world, runs, "all")
    task_runs = world.task_runs() / runs
    pokemon, pokemon_bare = _pairs(world, runs, "pokemon", "pokemon")
    yield Row("first crawl of everything, s", _seconds(everything), _seconds(everything_bare), "times", 1.35)
    yield Row("  CPU of it, s", [run.cpu for run in everything], [run.cpu for run in everything_bare])
    yield Row("  Prefect task runs", [task_runs], (), "at most", 200)
    yield Row("first crawl of all pokemon, s", _seconds(pokemon), _seconds(pokemon_bare), "times", 1.25)
    loading = min(_seconds(loads))
    without = [seconds - loading for seconds in _seconds(pokemon)]
    yield Row("  without loading Prefect, s", without, _seconds(pokemon_bare), "times", 1.5)
    yield Row("peak memory of everything, MB", _peaks(everything), _peaks(everything_bare), "at most", 600)
    yield from _throw_away(world, _seconds(everything), _seconds(pokemon))


def _pairs(world: World, runs: int, prefix: str, *resource: str) -> tuple[list[Ended], list[Ended]]:
    flags = [flag for name in resource for flag in ("--resources", name)]
    lake, bare = [], []
    for number in range(runs):
        bare.append(world.crawl_bare(*resource))
        lake.append(refresh(world, f"{prefix}-{number}", "published", *flags))
    return lake, bare


def _throw_away(world: World, everything: list[float], pokemon: list[float]) -> Iterator[Row]:
    """Crawl with no Prefect server running, as on a machine that has never run Prefect, and once more."""
    with TemporaryDirectory(prefix="pokelake-bench-", ignore_cleanup_errors=True) as home:
        first = [_alone(world, home, "alone-first")]
        later = [_alone(world, home, "alone-later")]
        yield Row("no server, first run, everything, s", first, everything, "above", 6)
        yield Row("no server, later run, everything, s", later, everything, "above", 4)
    with TemporaryDirectory(prefix="pokelake-bench-", ignore_cleanup_errors=True) as home:
        first = [_alone(world, home, "alone-pokemon-first", "--resources", "pokemon")]
        later = [_alone(world, home, "alone-pokemon-later", "--resources", "pokemon")]
        yield Row("no server, first run, pokemon, s", first, pokemon, "above", 6)
        yield Row("no server, later run, pokemon, s", later, pokemon, "above", 4)


def _alone(world: World, home: str, prefix: str, *flags: str) -> float:
    """Return the seconds of a first crawl that starts its own Prefect server."""
    # Nothing of the stack's server, nor of what this machine's user has saved.
    foreign = {name: None for name in os.environ if name.startswith("PREFECT_")}
    environment = {**foreign, "HOME": home, "PREFECT_HOME": str(Path(home, ".prefect")), "XDG_CACHE_HOME": None}
    return refresh(world, prefix, "published", *flags, environment=environment).seconds


def unchanged(world: World, runs: int) -> Iterator[Row]:
    """Refresh everything when nothing has changed: with a version to go by, and without one."""
    loads = [python(*LOADING) for _ in range(runs + 1)]
    world.source_counts()
    known, asked, written = [], [], []
    for _ in range(runs + 1):
        world.s3_counts()
        known.append(refresh(world, "all-0", "Unchanged:"))
        counts = world.s3_counts()
        asked.append(world.source_counts()["requests"])
        written.append(sum(counts.requests.get(kind, 0) for kind in ("PUT", "COPY", "POST")))
    yield Row("unchanged, version known, s", _seconds(known), _seconds(loads), "above", 1.0)
    yield Row("  requests to the source", asked, (), "at most", 59)
    yield Row("  objects written", written, (), "at most", 0)
    # What is measured is the loop of conditional requests, on both sides without what comes before it.
    loading = min(_seconds(loads))
    bare = [json.loads(python("-m", "bench.bare", "unchanged", world.source).output)["seconds"] for _ in range(runs)]
    lake = []
    for _ in range(runs):
        world.hide_version()
        lake.append(refresh(world, "all-0", "Unchanged: every").seconds - loading)
    yield Row("unchanged, all 304, without loading, s", lake, bare, "times", 1.1)


def refresh(
    world: World, prefix: str, outcome: str, *flags: str, environment: Mapping[str, str | None] | None = None
) -> Ended:
    """Refresh a lake in a process of its own, which must end with these words.

    Raises:
        BenchError: It did not.
    """
    ended = world.refresh(prefix, *flags, environment=environment)
    if outcome not in ended.output:
        raise BenchError(f"expected a refresh of {prefix} to end as {outcome}, found: {ended.output}")
    return ended


def _seconds(runs: list[Ended]) -> list[float]:
    return [run.seconds for run in runs]


def _peaks(runs: list[Ended]) -> list[float]:
    return [run.peak_mb for run in runs]
