"""The command that lists the last runs of a lake, by the numbers that each of them left in Prefect."""

import json
from typing import Annotated, Any

import typer

from flows.cli.api import reach_prefect
from flows.cli.options import Bucket, Json, Prefix
from flows.cli.say import say_json

app = typer.Typer()

# The flows that work on a lake.
FLOWS = ("refresh", "discover", "rebuild", "maintain", "report")

# What a person reads of a run, and the heads of the columns, which leave room for all in 80 characters.
COLUMNS = {
    "when": "when",
    "flow": "flow",
    "outcome": "outcome",
    "documents": "documents",
    "requests": "requests",
    "s3_requests": "S3",
    "seconds": "seconds",
    "peak_mb": "MB",
}


@app.command()
def runs(
    bucket: Bucket = None,
    prefix: Prefix = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="Runs to print.")] = 20,
    as_json: Json = False,
) -> None:
    """List the last runs of the lake that came to an end: outcome, documents, requests, seconds, peak memory."""
    reach_prefect()
    import pandas as pd

    from flows.cli.show import show
    from flows.steps.parameters import LakeLocation

    lake = LakeLocation(bucket=bucket, prefix=prefix)
    lake.open()
    found = read_runs(lake.place(), limit)
    if as_json:
        say_json(json.dumps(found, ensure_ascii=False))
        return
    minutes = [{**run, "when": run["when"][:16].replace("T", " ")} for run in found]
    rows = [{head: run.get(name) for name, head in COLUMNS.items()} for run in minutes]
    show(pd.DataFrame(rows), False, "no run of this lake has left its numbers in Prefect yet")


def read_runs(place: str, limit: int) -> list[dict[str, Any]]:
    """Return the numbers of the last runs of a lake, the newest first; `when` is the end of a run, in UTC."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    from flows.steps.artifacts import artifact_key

    keys = [artifact_key(f"run-{flow}", place) for flow in FLOWS]
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=keys))
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC, limit=limit)
    found = []
    for artifact in artifacts:
        numbers = {row["what"]: row["value"] for row in json.loads(str(artifact.data))}
        # Two lakes may share a key, because there are fewer letters in keys than in their names.
        if artifact.created is not None and numbers.get("lake") == place:
            found.append({"when": artifact.created.isoformat(timespec="seconds"), **numbers})
    return found
