"""The flow that looks for new documents: it reads only the listings, and publishes documents that the lake lacks."""

from dataclasses import replace
from typing import Any

from prefect import flow
from prefect.client.schemas import State

from blocks.knobs import is_frozen
from flows.steps.again import say_whether_again
from flows.steps.connected import Crawl
from flows.steps.crawl import crawl_id, fetch_all
from flows.steps.ended import PUBLISHING, TELLING
from flows.steps.events import report_vanished
from flows.steps.gate import held_back, verdict_first
from flows.steps.memory import return_freed_memory
from flows.steps.orders import stoppable
from flows.steps.outcome import (
    NAMED_DOCUMENTS,
    Outcome,
    ended,
    finished,
    frozen,
    not_crawled,
    pokemon_names,
    publish_on_head,
    unchanged,
)
from flows.steps.parameters import LakeLocation, SourceChoice
from flows.steps.runner import Runner, distributed
from flows.steps.start import proven_results, start
from flows.steps.watch import run_name, watched
from lake.assemble.held import HeldDraft
from lake.assemble.settle import settle
from lake.text import shown


@flow(
    name="discover",
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
def discover(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    source: SourceChoice = SourceChoice(),  # noqa: B008
    runner: Runner = "",
) -> State[Any]:
    """Publish the documents that the source lists and the lake lacks; report those that are no longer listed.

    Only a refresh asks for a document again, or deletes one. A discover ends as published, as unchanged when nothing is
    new, as partial when some documents could not be fetched, or as frozen when the operator wants nothing to be
    touched. One whose audits ask waits for a verdict, as a refresh does.

    Requires: the same as a refresh.

    Args:
        lake: Where the lake lies.
        source: The source to look at.
        runner: Where tasks work, as for a refresh.
    """
    if is_frozen():
        return frozen()
    return_freed_memory()
    if (state := verdict_first(lake)) is not None:
        return state
    begun = start(lake, source.resolve(lake))
    settings, parent, version = begun.source, begun.parent, begun.upstream.version
    if parent is not None and begun.is_known():
        return unchanged(parent, f"upstream is still at {version}")

    results = proven_results(lake)
    listings, shards, vanished, anew = begun.shards(begun.listings(results), is_new_only=True)
    if vanished:
        report_vanished(settings.base_url, vanished)
    named = ", ".join(map(shown, vanished[:NAMED_DOCUMENTS]))
    gone = f"{len(vanished)} not listed any longer: {named}" if vanished else ""
    if parent is not None and not shards:
        said = f"nothing new{'; ' if gone else ''}{gone}"
        refused = {**begun.upstream.odd, **{of.resource: of.refusal for of in listings if of.refusal}}
        if refused:
            return ended(f"{said}{not_crawled(refused)}; readers see {parent.snapshot}", Outcome.PARTIAL)
        return unchanged(parent, said)

    crawl = Crawl(crawl_id("discover", settings, parent, version), settings, lake)
    manifests = fetch_all(crawl, shards, results)
    crawled = settle(settings, begun.upstream, listings, shards, manifests, parent, is_partial=True)
    # The documents at hand may be older than this version, so the snapshot belongs to no version.
    crawled = replace(crawled, source=replace(crawled.source, version=None), anew=anew)
    names = pokemon_names(listings)
    # What is known of each document by its listing takes half a kilobyte, and publishing needs none of it.
    del listings, shards
    publication = publish_on_head(lake, parent, crawled)
    if isinstance(publication, HeldDraft):
        return held_back(lake, publication)
    if publication.is_new:
        # What it did not ask for is as it was.
        begun.asking.note(publication.parent, publication.commit)
    return finished(lake, publication, crawled, names, gone)
