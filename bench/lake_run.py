"""The lake's side of the bench: one refresh in a fresh process, timed after Prefect has started up."""

import json
import resource
import sys
import time

LOADING = time.perf_counter()
from flows.refresh import refresh  # noqa: E402
from flows.steps.outcome import spoken  # noqa: E402
from flows.steps.parameters import LakeLocation, SourceChoice  # noqa: E402


def run(base: str, bucket: str, prefix: str, resources: str) -> dict[str, float | str]:
    """Refresh once; return the seconds of starting up, of the flow and of its CPU, and the peak memory in MB."""
    location = LakeLocation(bucket=bucket, prefix=prefix)
    # Saving a block for the first time registers its type and schema with the server.
    location.results()
    loaded = time.perf_counter() - LOADING
    names = tuple(resources.split(",")) if resources else None
    started, cpu = time.perf_counter(), time.process_time()
    state = refresh(
        lake=location,
        source=SourceChoice(base_url=base, resources=names),
        return_state=True,
    )
    seconds = time.perf_counter() - started
    if state.is_failed():
        state.result()
    return {
        "load": loaded,
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "state": ": ".join(spoken(state)),
    }


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:5])))
