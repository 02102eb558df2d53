"""Block, parameters and flags say of a source's settings what is declared of them."""

from dataclasses import MISSING, fields
from typing import Any

import pytest
import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from blocks.source_config import RestConfig, SourceConfig
from flows.cli import app
from flows.steps.parameters import Choice, LakeLocation, SourceChoice
from lake.errors import StoreError
from lake.source import SETTINGS, Rest, Source
from lake.store import Store
from tests.flows.cli.conftest import Ran

FORMS: list[tuple[type[Rest] | type[Source], type[BaseModel]]] = [(Source, SourceConfig), (Rest, RestConfig)]

# Given by a parameter or a flag, it says something else than in a block; see `SourceUrl` and `Resources`.
OF_ITS_OWN = {"parameter": {"base_url"}, "flag": {"source", "resources"}}

# These are of a command, and no setting of a source.
COMMANDS = ("refresh", "discover", "plan", "setup")

NEEDS_A_BUCKET = (
    "name the bucket that has the folder 'nope' by --bucket as well (the parameter lake.bucket of a deployment), or"
    " omit --prefix (lake.prefix): then the saved S3Bucket block says where the lake lies"
)


def said(field: FieldInfo) -> dict[str, Any]:
    """Return the sentence of a form's field, and its title and bounds, where it has any."""
    bounds = {
        name: getattr(rule, name) for rule in field.metadata for name in ("ge", "gt", "le") if hasattr(rule, name)
    }
    title = {"title": field.title} if field.title else {}
    return {"description": field.description, **title, **bounds}


def test_every_setting_is_declared_with_a_sentence_and_a_default():
    declared = [(form.__name__, setting) for form, _ in FORMS for setting in fields(form)]
    assert [
        f"{form}.{setting.name}"
        for form, setting in declared
        if setting.default is MISSING or not setting.metadata.get("description", "").endswith(".")
    ] == []


def test_a_block_has_every_setting_as_it_is_declared():
    wrong = []
    for declaration, form in FORMS:
        settings = {setting.name: dict(setting.metadata) for setting in fields(declaration)}
        found = {name: said(field) for name, field in form.model_fields.items()}
        wrong += [name for name in settings.keys() | found.keys() if settings.get(name) != found.get(name)]
    assert wrong == []
    assert SourceConfig().source() == Source()
    assert RestConfig().rest() == Rest()


def test_a_parameter_says_what_is_declared_and_is_not_required():
    wrong = []
    for name, field in SourceChoice.model_fields.items():
        if name == "block" or name in OF_ITS_OWN["parameter"]:
            continue
        if said(field) != SETTINGS[name] or field.default is not None:
            wrong.append(name)
    assert wrong == []


def test_a_flag_its_variable_and_its_bound_are_made_of_what_is_declared():
    """Whoever sets a variable for one command sets it for all."""
    commands, wrong, flags = typer.main.get_command(app).commands, [], set()
    for command in COMMANDS:
        for option in commands[command].params:
            if option.name not in SourceChoice.model_fields or option.name in OF_ITS_OWN["flag"]:
                continue
            flags.add(option.name)
            declared, low = SETTINGS[option.name], getattr(option.type, "min", None)
            expected = (f"--{option.name.replace('_', '-')}", f"POKELAKE_{option.name.upper()}", declared.get("ge"))
            found = (option.opts[0], option.envvar, low)
            if found != expected or not (option.help or "").startswith(declared["description"]):
                wrong.append(f"{command} {option.opts[0]}: {found}, {option.help}")
    assert wrong == []
    assert flags == SourceChoice.model_fields.keys() - {"block", "base_url", "resources", "attempts"}


def test_the_flag_of_the_rate_says_what_holds_without_it():
    """Brackets would be markup, and the words in them would not be shown."""
    [rate] = [o for o in typer.main.get_command(app).commands["refresh"].params if o.name == "requests_per_second"]
    assert rate.help.endswith("Default: the block's, or 10; 0 on loopback.")


def test_the_help_of_a_terminal_of_80_columns_cuts_no_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    cut = []
    for name in typer.main.get_command(app).commands:
        said = CliRunner().invoke(app, [name, "--help"]).output
        assert "Usage: " in said
        cut += [f"{name}: {line}" for line in said.splitlines() if "…" in line]
    assert cut == []


def test_a_folder_without_its_bucket_is_bad_usage_of_every_command(monkeypatch: pytest.MonkeyPatch, ran: Ran):
    """The saved block would lead to another lake. `setup` has a saved bucket for it, `iam-policy` needs one anyway."""
    monkeypatch.setenv("COLUMNS", "1000")
    commands = typer.main.get_command(app).commands
    asked = [
        name
        for name, command in commands.items()
        if {"bucket", "prefix"} <= {option.name for option in command.params} and name not in ("setup", "iam-policy")
    ]
    assert len(asked) > 15
    wrong = []
    for name in asked:
        code, out, err = ran(name, "--prefix", "nope")
        if (code, out) != (2, "") or NEEDS_A_BUCKET not in err:
            wrong.append(f"{name}: {code}, {err}")
    assert wrong == []
    monkeypatch.setenv("POKELAKE_PREFIX", "nope")
    code, _, err = ran("approve", "--all")
    assert (code, NEEDS_A_BUCKET in err) == (2, True)


def test_folder_and_bucket_come_in_any_order_and_by_flag_or_variable(
    monkeypatch: pytest.MonkeyPatch, ran: Ran, store: Store
):
    way = ("iam-policy", "reader", "--account", "123456789012", "--region", "eu-west-1", "--prefix", "deep")
    code, out, _ = ran(*way, "--bucket", "lake")
    assert (code, "lake/deep/" in out) == (0, True)
    monkeypatch.setenv("POKELAKE_BUCKET", "lake")
    code, _, err = ran("snapshots", "--prefix", "pokelake")
    assert (code, err) == (0, "nothing was ever published\n")
    monkeypatch.delenv("POKELAKE_BUCKET")
    monkeypatch.setenv("POKELAKE_PREFIX", "pokelake")
    assert ran("snapshots", "--bucket", "lake")[0] == 0


def test_a_folder_without_its_bucket_is_no_parameter_of_a_run():
    for location in (LakeLocation(prefix="nope"), LakeLocation(block="other", prefix="nope")):
        for look in (location.open, location.results):
            with pytest.raises(StoreError) as refused:
                look()
            assert str(refused.value) == NEEDS_A_BUCKET


def test_a_bucket_without_a_name_is_not_that_of_the_block(ran: Ran):
    code, out, err = ran("snapshots", "--bucket", "")
    assert (code, out) == (1, "")
    assert err.startswith("pokelake: bucket '': expected a name")


def test_a_lake_is_named_by_its_block_or_by_its_bucket_and_a_flag_beats_a_variable(
    monkeypatch: pytest.MonkeyPatch, ran: Ran, store: Store
):
    """Whoever has a bucket in the environment and asks for another lake must not be shown that bucket.

    A command that has a bucket opens no block.
    """
    asked = list[LakeLocation]()
    monkeypatch.setattr(LakeLocation, "open", lambda location: asked.append(location) or store)
    monkeypatch.setattr("flows.cli.api.reach_prefect", lambda: None)
    monkeypatch.setenv("COLUMNS", "1000")

    def named(*arguments: str, **environment: str) -> LakeLocation | None:
        asked.clear()
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(f"POKELAKE_{name.upper()}", value)
            assert ran("snapshots", *arguments)[0] == 0
        return asked.pop() if asked else None

    assert named() == LakeLocation()
    assert named("--lake", "moon") == named(lake="moon") == LakeLocation(block="moon")
    assert named("--lake", "moon", bucket="lake", prefix="pokelake") == LakeLocation(block="moon")
    assert named("--bucket", "lake", lake="moon") is named(bucket="lake", lake="moon") is None
    code, out, err = ran("snapshots", "--lake", "moon", "--bucket", "lake")
    assert (code, out) == (2, "")
    assert "--lake, or --bucket: each names a lake; pass one of them" in err


def test_every_command_that_opens_a_lake_or_a_source_can_be_told_which_by_its_block():
    commands = typer.main.get_command(app).commands
    options = {name: {option.name for option in command.params} for name, command in commands.items()}
    assert [name for name, has in options.items() if "prefix" in has and "lake" not in has] == ["iam-policy"]
    assert [name for name, has in options.items() if "source" in has and "source_block" not in has] == ["demo"]


@pytest.mark.parametrize("parameter", [LakeLocation, SourceChoice, Choice])
def test_a_parameter_that_does_not_exist_is_refused(parameter: type[BaseModel]):
    """Without the one that was meant, the default would be crawled, or another lake written to."""
    with pytest.raises(ValidationError, match="base_ur"):
        parameter.model_validate({"base_ur": "https://league.test/", "draft": "one", "publish": True})


def test_parameters_that_earlier_deployments_saved_are_taken():
    lake, source = {"block": "pokelake"}, {"block": "pokeapi"}
    assert LakeLocation.model_validate(lake) == LakeLocation()
    assert SourceChoice.model_validate(source) == SourceChoice(block="pokeapi")
    whole = {"block": "pokelake", "bucket": None, "prefix": ""}
    assert LakeLocation.model_validate(whole) == LakeLocation()
