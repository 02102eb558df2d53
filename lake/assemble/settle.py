"""What of a crawl goes into a snapshot: collections that could not be crawled are kept, and the rest goes on."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from lake.assemble.draft import Crawled
from lake.assemble.staging import Manifest, final_failures, source_facts
from lake.commit import Commit
from lake.crawl import Listing, Shard, Source, Upstream, advice, are_several, may_pass
from lake.errors import SourceError
from lake.resource import Failure
from lake.text import counted

# Failures that a reason names.
NAMED_FAILURES = 3

_KEPT = "nothing was published, and what was fetched is kept for the next run"


def settle(
    source: Source,
    upstream: Upstream,
    listings: Sequence[Listing],
    shards: Sequence[Shard],
    manifests: Sequence[Manifest],
    parent: Commit | None,
    allow_shrink: Collection[str] = (),
    is_partial: bool = False,
) -> Crawled:
    """Return the result of a crawl, without the collections more of whose documents failed than are tolerated.

    These, and those whose listing was refused, are kept as the parent has them. One that `allow_shrink` names is taken
    as it came: documents that failed are stale or missing, and without a parent it is left out.

    Raises:
        SourceError: Several collections failed, or all, so the source is in trouble as a whole; or one could not be
            crawled, and this would be the first snapshot.
    """
    failed = {name: why for name, why in _untolerated(source, shards, manifests).items() if name not in allow_shrink}
    facts = source_facts(source, upstream, listings, manifests)
    refused = {**upstream.odd, **facts.refused, **failed}
    crawled = {shard.resource for shard in shards}
    if are_several(len(failed), len(crawled)):
        raise SourceError(
            f"{source.base_url}: {len(failed)} of {counted(len(crawled), 'collection')} failed; {_KEPT}."
            f" {advice(failed[min(failed)])} {_named(failed)}; {_allowing(failed)}",
            may_pass(failed[min(failed)]),
        )
    waiting = {name: why for name, why in refused.items() if name not in allow_shrink}
    if parent is None and waiting:
        raise SourceError(
            f"{source.base_url}: {counted(len(waiting), 'collection')} could not be crawled, and a first snapshot waits"
            f" for all; {_KEPT}. {_named(waiting)}; {_allowing(waiting)}",
            not upstream.odd.keys() & waiting.keys() and all(map(may_pass, waiting.values())),
        )
    kept = tuple(manifest for manifest in manifests if manifest.resource not in failed)
    return Crawled(
        replace(facts, refused=refused), kept, is_partial, tolerances=source.tolerances, held_hours=source.held_hours
    )


def _untolerated(source: Source, shards: Sequence[Shard], manifests: Sequence[Manifest]) -> dict[str, str]:
    """Return why a collection is not taken, of those that lost more documents than the source's settings tolerate."""
    wanted = Counter(shard.resource for shard in shards for _ in shard.wanted)
    failed = defaultdict[str, list[Failure]](list)
    for failure in final_failures(manifests):
        failed[failure.resource].append(failure)
    found = {}
    for resource, failures in sorted(failed.items()):
        share = wanted[resource] * source.tolerated_failures
        # One is always tolerated, if any is: in a small resource one document is more than every share.
        if len(failures) > (max(1, share) if share else 0):
            named = ", ".join(f"{failure.path} ({failure.reason})" for failure in failures[:NAMED_FAILURES])
            found[resource] = (
                f"{len(failures)} of {counted(wanted[resource], 'document')} could not be fetched, more than the"
                f" tolerated {source.tolerated_failures:.0%}, such as {named}"
            )
    return found


def _named(reasons: dict[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in sorted(reasons.items())[:NAMED_FAILURES])


def _allowing(names: Collection[str]) -> str:
    """Say how to go on without waiting, to whoever reads the message: at a terminal, or of a deployed run."""
    flags = " ".join(f"--allow-shrink {name}" for name in sorted(names)[:NAMED_FAILURES])
    listed = ", ".join(f'"{name}"' for name in sorted(names)[:NAMED_FAILURES])
    return f"to publish all the same, refresh with {flags} (the parameter allow_shrink=[{listed}] of a deployment)"
