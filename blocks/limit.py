"""Prefect's global concurrency limit that holds the shards at work, over all runs and workers, to a number."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectNotFound

from lake.errors import UnknownNameError


def save_limit(name: str, limit: int) -> str:
    """Create or change a global concurrency limit; return what was done: created, changed or left."""
    with get_client(sync_client=True) as client:
        try:
            saved = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit, active=True))
            return "created"
        if saved.limit == limit and saved.active:
            return "left"
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=limit, active=True))
        return "changed"


def require_limit(name: str) -> None:
    """Raise `UnknownNameError` unless a global concurrency limit of this name was created."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound as error:
            advice = f"none created: run `pokelake setup`, or `prefect gcl create {name} --limit 2`"
            raise UnknownNameError("global concurrency limit", name, [advice]) from error
