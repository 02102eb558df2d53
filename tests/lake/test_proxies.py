"""Proxies: this machine is asked directly, odd lists are read, and an address that is none is named."""

import os
from urllib.request import proxy_bypass

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.crawl import Client, Pace, Source
from lake.errors import LakeError
from lake.proxies import check_proxies, spare_loopback
from lake.store import Store

NAMES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no")]
DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without proxies, and leave the environment as it was."""
    for name in (*NAMES, *map(str.upper, NAMES)):
        # Set first, so that it is restored whatever the test does.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_loopback_is_asked_without_a_proxy(name: str, store: Store, monkeypatch: pytest.MonkeyPatch):
    """By urllib, by httpx, by the crawl's own client, and by boto3; the S3 of the tests is on loopback."""
    monkeypatch.setenv(name, DEAD)
    ours = Store(store.bucket, store.prefix)
    ours.create("x", b"1")
    assert store.get("x") == b"1"
    assert all(proxy_bypass(host) for host in ("127.0.0.1:5000", "localhost", "localhost:80"))
    with httpx.Client(verify=False) as client:
        assert client.get(os.environ["AWS_ENDPOINT_URL"] + "/moto-api/").status_code == 200


def test_what_was_named_before_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    monkeypatch.setenv("NO_PROXY", "example.com, .corp  10.0.0.0/8,[fd00::1]:80,fd00::/8,[::1],h:8080")
    spare_loopback()
    expected = "example.com,.corp,10.0.0.0/8,fd00::1,::1,h:8080,localhost,127.0.0.1"
    assert {os.environ[name] for name in ("NO_PROXY", "no_proxy")} == {expected}


def test_without_proxies_nothing_is_set():
    check_proxies()
    assert not [name for name in os.environ if name.lower() in NAMES]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("[]:./,* %@abc1fd0é-")) | st.text().filter(lambda text: "\0" not in text))
def test_httpx_reads_whatever_the_list_is(monkeypatch: pytest.MonkeyPatch, text: str):
    with monkeypatch.context() as patch:
        patch.setenv("no_proxy", os.fsdecode(text.encode("utf-8", "replace")))
        patch.setenv("NO_PROXY", "")
        spare_loopback()
        httpx.Client(verify=False).close()


@pytest.mark.parametrize(
    "address", ["foo://proxy", "http://", "proxy:99999", "http://[::1", "http://p:x", "socks5://p:1"]
)
def test_an_address_that_is_none_is_named_without_its_password(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", address.replace("//", "//user:secret@") if "//" in address else address)
    for use in (check_proxies, lambda: Client(Source("http://127.0.0.1:9/"), Pace(Source()), 1)):
        with pytest.raises(LakeError, match=r"^HTTPS_PROXY: expected ") as caught:
            use()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["proxy", "proxy:3128", "http://user:secret@proxy:3128", "https://proxy"])
def test_an_address_of_a_proxy_is_taken(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALL_PROXY", address)
    check_proxies()
    httpx.Client(verify=False).close()
