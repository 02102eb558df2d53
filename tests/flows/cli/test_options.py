"""Block, parameters and flags say of a source's settings what is declared of them."""

from dataclasses import MISSING, fields
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from blocks.source_config import RestConfig, SourceConfig
from flows.cli import app
from flows.steps.parameters import SourceChoice
from lake.source import SETTINGS, Rest, Source

FORMS: list[tuple[type[Rest] | type[Source], type[BaseModel]]] = [(Source, SourceConfig), (Rest, RestConfig)]

# Given by a parameter or a flag, it says something else than in a block; see `SourceUrl` and `Resources`.
OF_ITS_OWN = {"parameter": {"base_url"}, "flag": {"source", "resources"}}

# These are of a command, and no setting of a source.
COMMANDS = ("refresh", "discover", "plan", "setup")


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
