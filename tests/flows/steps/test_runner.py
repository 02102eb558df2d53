"""Where tasks work is one setting; a wrong one is told in a sentence before anything is done."""

import sys

import pytest

from flows.steps import runner
from flows.steps.runner import running, workers_of_run
from flows.steps.runner_setting import RunnerSetting, read_runner
from flows.steps.shipped import Code
from lake.errors import LakeError

FARGATE = "dask_cloudprovider.aws.FargateCluster"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("threads", RunnerSetting("threads")),
        ("dask", RunnerSetting("dask")),
        ("dask:tcp://10.0.0.4:8786", RunnerSetting("dask", "tcp://10.0.0.4:8786")),
        (f"dask:{FARGATE}", RunnerSetting("dask", None, FARGATE)),
        (f'dask:{FARGATE} {{"n_workers": 4}}', RunnerSetting("dask", None, FARGATE, {"n_workers": 4})),
        ("ray", RunnerSetting("ray")),
        ("ray:ray://10.0.0.4:10001", RunnerSetting("ray", "ray://10.0.0.4:10001")),
    ],
)
def test_a_setting_names_a_cluster_or_how_to_make_one(text: str, expected: RunnerSetting):
    assert read_runner(text) == expected


@pytest.mark.parametrize(
    "text", ["", "process", "threads:4", "dask:{}", "dask:tcp://a:1 {}", 'dask:a.B {"n"', "ray:head", "ray:a.B {}"]
)
def test_a_wrong_setting_is_told_with_all_that_there_are(text: str):
    with pytest.raises(LakeError, match="expected threads, dask:tcp://HOST:8786, dask:CLASS") as error:
        read_runner(text)
    assert "--runner, POKELAKE_RUNNER, the parameter runner of a deployment" in str(error.value)


def test_an_empty_parameter_is_the_environments_setting(monkeypatch: pytest.MonkeyPatch):
    with running(""):
        assert workers_of_run() is None
    monkeypatch.setenv("POKELAKE_RUNNER", "process")
    with pytest.raises(LakeError, match="runner 'process': expected threads"), running(""):
        pass
    with running("threads"):
        assert workers_of_run() is None


def opened(text: str) -> None:
    with runner._opened(read_runner(text), Code(b"", "one")):
        pass


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_api_url", lambda: "http://prefect.example/api")


@pytest.mark.parametrize("kind", ["dask", "ray"])
def test_an_extra_that_is_missing_is_named(kind: str, reachable: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, f"flows.steps.on_{kind}", None)
    with pytest.raises(LakeError, match=rf"install pokelake\[{kind}\], or build the image with --build-arg LOCK="):
        opened(kind)


def test_workers_need_an_api_that_they_can_reach(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runner, "_api_url", lambda: None)
    with pytest.raises(LakeError, match="name one by PREFECT_API_URL, or leave the runner at threads"):
        opened("dask")


@pytest.mark.parametrize("name", ["subprocess.Popen", "os.system", "nothing.Here", "Cluster", "distributed.Client"])
def test_only_a_class_of_clusters_is_ever_called(name: str, reachable: None):
    """Whoever may start a run could name any function, and what it is called with."""
    with pytest.raises(LakeError, match=f"expected a class of Dask clusters that is installed, found '{name}'"):
        opened(f'dask:{name} {{"args": "true"}}')
