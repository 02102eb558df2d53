"""What the doctor says of a Prefect API that is there and does not do what it is asked."""

import httpx
import pytest

from flows.deploy.doctor.storage import unwell


@pytest.mark.parametrize(
    ("error", "found", "way"),
    [
        (401, "http://api refuses the key: status 401", "PREFECT_API_KEY"),
        (403, "http://api refuses the key: status 403", "PREFECT_API_AUTH_STRING"),
        (404, "http://api answers with status 404", "PREFECT_API_URL, which ends in /api"),
        (None, "http://api does not answer: ConnectError: refused", "prefect server start"),
    ],
)
def test_trouble_with_the_api_is_told_by_its_kind(error: int | None, found: str, way: str):
    met: Exception = httpx.ConnectError("refused")
    if error is not None:
        request = httpx.Request("GET", "http://api/health")
        met = httpx.HTTPStatusError("no", request=request, response=httpx.Response(error, request=request))
    said, mending = unwell("http://api", met)
    assert said == found
    assert way in mending
