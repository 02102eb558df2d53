"""What a command says before it works, and when it is stopped."""

import sys

import pytest

import flows.cli
from flows.cli import main
from flows.cli.api import begin


def stop(runs: bool) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "said"),
    [("refresh", "stopped; the next run goes on from here"), ("maintain", "stopped")],
)
def test_ctrl_c_ends_a_command_with_one_line(
    command: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(flows.cli, "reach_prefect", stop)
    with pytest.raises(SystemExit) as ended:
        main([command])
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", f"pokelake: {said}\n")


@pytest.mark.parametrize(("is_terminal", "said"), [(True, "refresh: loading Prefect …\n"), (False, "")])
def test_a_terminal_alone_is_told_what_begins(
    is_terminal: bool, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    begin("refresh")
    assert capsys.readouterr().err == said
