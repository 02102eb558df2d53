"""The flow that brings the lake up to date: crawl what may have changed, and publish if something did."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefect import flow
from prefect.client.schemas import State

from blocks.knobs import is_frozen
from flows.steps.again import say_whether_again
from flows.steps.connected import Crawl
from flows.steps.crawl import crawl_id
from flows.steps.ended import PUBLISHING, TELLING
from flows.steps.events import report_current
from flows.steps.gate import held_back, overtake, still_waits, verdict_first
from flows.steps.memory import return_freed_memory
from flows.steps.orders import stoppable
from flows.steps.outcome import finished, frozen, pokemon_names, publish_on_head, unchanged
from flows.steps.parameters import Choice, LakeLocation, SourceChoice
from flows.steps.picked import crawl_picked, narrow
from flows.steps.publish import Publication
from flows.steps.runner import Runner, distributed
from flows.steps.start import proven_results, start
from flows.steps.watch import run_name, watched
from flows.steps.whole import crawl_all
from lake.assemble.held import HeldDraft, held_drafts
from lake.assemble.staging import final_failures, forget_results
from lake.assemble.stored import document_files
from lake.crawl import Picked, picked_documents
from lake.layout import SHARD_RESULTS


@flow(
    name="refresh",
    persist_result=False,
    flow_run_name=run_name,
    on_completion=TELLING,
    on_failure=[say_whether_again, *PUBLISHING],
    on_crashed=PUBLISHING,
    on_cancellation=PUBLISHING,
)
@watched
@distributed
@stoppable
def refresh(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    source: SourceChoice = SourceChoice(),  # noqa: B008
    allow_shrink: Sequence[str] = (),
    force: bool = False,
    decide: Choice | None = None,
    runner: Runner = "",
) -> State[Any]:
    """Crawl the source and publish a new snapshot if anything changed.

    A refresh ends as published, as unchanged when nothing changed, as partial when some documents could not be fetched,
    as held when what it found waits for a verdict already, or as frozen when the operator wants nothing to be touched.
    One whose audits ask waits for a verdict, and ends as published or dropped.

    Requires: the S3Bucket blocks of the lake and of Prefect's results, or `lake.bucket` and AWS credentials in the
    environment; the Pokélake Source block, or `source.base_url`; the Secret block and the global concurrency limit that
    the source names, if any. Optional: the Variables `pokelake_frozen` and `pokelake_requests_per_run`, and in the
    environment POKELAKE_CATALOG, the database of AWS Glue that shows what is published.

    Args:
        lake: Where the lake lies.
        source: The source to crawl; its resources may be single documents, such as pokemon/25: then these are asked for
            anew, a Pokémon with its species, evolution chain, forms and encounters, and the rest is carried over.
        allow_shrink: Tables and resources that may lose more rows or documents than the audits tolerate. A resource
            that is named is also taken as it came, although more of its documents failed than are tolerated.
        force: Ask for every document anew, although the source's version is known and the lake has ETags.
        decide: A verdict on a held draft; then nothing is crawled.
        runner: Where tasks work: threads, dask:ADDRESS, ray:ADDRESS, or dask:CLASS {arguments as JSON} for a Dask
            cluster of the run's own. Default: POKELAKE_RUNNER in the environment, or threads.
    """
    if is_frozen():
        return frozen()
    return_freed_memory()
    standings = held_drafts(lake.open())
    if (state := verdict_first(lake, decide, standings)) is not None:
        return state
    settings = source.resolve(lake)
    picked = picked_documents(settings.resources)
    begun = start(lake, replace(settings, resources=()) if picked else settings, force)
    if picked:
        begun = narrow(begun, picked)
    settings, parent, version = begun.source, begun.parent, begun.upstream.version
    dropped = set(allow_shrink) & (document_files(parent).keys() - begun.upstream.resources.keys())
    if parent is not None and begun.is_known() and not dropped and not picked:
        report_current(begun.store.uri(), parent.snapshot)
        overtake(lake, begun.resources, Publication(parent, is_new=False), version)
        return unchanged(parent, f"upstream is still at {version}")
    # Where no draft was, none is looked for again.
    if standings and (held := begun.held()) is not None and not (force or picked or allow_shrink):
        return still_waits(lake, held)

    results = proven_results(lake)
    # Whoever allows deletions wants to have them found.
    begun = begun if picked or allow_shrink else begun.of_changes()
    listings = begun.listings(results, is_fresh=True)
    names = pokemon_names(listings)
    crawl = Crawl(crawl_id(_name(force, picked), settings, parent, version), settings, lake)
    if picked:
        crawled, manifests = crawl_picked(begun, picked, crawl, results, listings)
        asking = None
    else:
        crawled, manifests, asking = crawl_all(begun, crawl, results, listings, allow_shrink)
    # What is known of each document by its listing takes half a kilobyte, and publishing needs none of it.
    del listings
    publication = publish_on_head(lake, parent, crawled, allow_shrink)
    version = crawled.source.version
    is_equal = isinstance(publication, Publication) and not (
        publication.is_new or publication.rejected or final_failures(manifests)
    )
    is_published = isinstance(publication, Publication) and publication.is_new
    if force or picked or (version is None and not is_published):
        # The next run from this head may be the same crawl: it would take these results for the source's answers, and
        # not ask it again.
        forget_results(begun.store, f"{SHARD_RESULTS}{crawl.id}/")
    if isinstance(publication, HeldDraft):
        return held_back(lake, publication)
    if asking is not None:
        on = publication.parent if publication.is_new else publication.commit
        asking.note(on, publication.commit, publication.rejected)
        if is_equal and version is not None and not begun.uncrawled(crawled.source):
            begun.note_equal()
        report_current(begun.store.uri(), publication.commit.snapshot)
        overtake(lake, begun.resources, publication, version)
    return finished(lake, publication, crawled, names)


def _name(force: bool, picked: Picked) -> str:
    """Return the name of a sort of crawl: a killed one goes on only as the same sort."""
    paths = sorted(f"{resource}/{id_}" for resource, ids in picked.items() for id_ in ids)
    return " ".join(["refresh", *(["force"] if force else []), *paths])
