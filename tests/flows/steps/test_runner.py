"""Where tasks work is one setting; a wrong one is told in a sentence before anything is done."""

import os
import re
import sys
from typing import Any

import pytest

from flows.steps import runner
from flows.steps.runner import running, workers_of_run
from flows.steps.runner_setting import RunnerSetting, read_runner
from flows.steps.shipped import LOADED, Code
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


@pytest.mark.parametrize("text", ["", "process", "threads:4", "dask:{}", "dask:tcp://a:1 {}", "ray:head", "ray:a.B {}"])
def test_a_wrong_setting_is_told_with_all_that_there_are(text: str):
    with pytest.raises(LakeError, match="expected threads, dask:tcp://HOST:8786, dask:CLASS") as error:
        read_runner(text)
    assert "--runner, POKELAKE_RUNNER, the parameter runner of a deployment" in str(error.value)


@pytest.mark.parametrize("arguments", ['{"n"', "[1]", "2", "n_workers=2", '"n"', "[" * 100_000])
def test_arguments_that_are_no_json_object_are_named(arguments: str):
    said = re.escape("runner dask: expected the arguments of a.B as a JSON object, such as {")
    with pytest.raises(LakeError, match=said):
        read_runner(f"dask:a.B {arguments}")


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
def test_only_a_class_of_clusters_is_ever_called(name: str, reachable: None, cluster_packages: None):
    """Whoever may start a run could name any function, and what it is called with."""
    with pytest.raises(LakeError, match=f"expected a class of Dask clusters that is installed, found '{name}'"):
        opened(f'dask:{name} {{"args": "true"}}')


@pytest.mark.parametrize(
    ("arguments", "why"), [('{"bogus": 1}', "TypeError: .* argument 'bogus'"), ('{"n_workers": "two"}', "TypeError: ")]
)
def test_a_cluster_that_does_not_start_says_why(
    arguments: str, why: str, reachable: None, cluster_packages: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    said = f"runner dask: distributed.LocalCluster {re.escape(arguments)} did not start: {why}"
    with pytest.raises(LakeError, match=f"{said}.*; check the arguments, which the class takes as they are"):
        opened(f"dask:distributed.LocalCluster {arguments}")


class Cluster:
    """A Dask cluster, as far as shipping code uses it: what its workers have loaded, and what they do."""

    def __init__(self, loaded: str | None, tasks: list[str], has_nannies: bool = True) -> None:
        self.loaded, self.given, self.restarts = loaded, loaded, 0
        self._tasks, self._has_nannies = tasks, has_nannies

    def register_plugin(self, plugin: Any, name: str) -> None:
        _, globals_ = plugin._setup.args
        self.given = globals_["VERSION"]
        self.loaded = self.loaded or self.given

    def run(self, function: Any, variable: str) -> dict[str, str | None]:
        assert (function, variable) == (os.getenv, LOADED)
        return {"tcp://one": self.loaded}

    def processing(self) -> dict[str, list[str]]:
        return {"tcp://one": self._tasks}

    def restart(self) -> None:
        self.restarts += 1
        self.loaded = self.given if self._has_nannies else self.loaded


def shipped(cluster: Cluster) -> None:
    from flows.steps.on_dask import _ship

    _ship(cluster, Code(b"", "new"))


@pytest.mark.parametrize(("loaded", "restarts"), [(None, 0), ("new", 0), ("old", 1)])
def test_workers_with_other_code_are_started_anew_when_nobody_is_at_work(
    loaded: str | None, restarts: int, cluster_packages: None
):
    cluster = Cluster(loaded, [])
    shipped(cluster)
    assert (cluster.loaded, cluster.restarts) == ("new", restarts)


def test_a_run_with_other_code_waits_for_the_one_that_is_at_work(cluster_packages: None):
    cluster = Cluster("old", ["fetch_batch"])
    with pytest.raises(LakeError, match="another run is at work on this cluster with other code") as error:
        shipped(cluster)
    assert error.value.may_pass
    assert (cluster.restarts, cluster.loaded, cluster.given) == (0, "old", "old")


def test_workers_that_keep_other_code_are_named(cluster_packages: None):
    with pytest.raises(LakeError, match=r"keep code of another run \(old\); start them anew, with a nanny"):
        shipped(Cluster("old", [], has_nannies=False))
