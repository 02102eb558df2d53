"""Flags for the settings of a source, made of their declarations, and a source with what they say."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields, replace
from typing import Annotated, Any, Literal, TypeVar, get_origin, get_type_hints

import msgspec
import typer

from lake.errors import SourceError
from lake.source import Rest, Source
from lake.table_settings import TableSettings, read_said
from lake.text import shown

_Command = TypeVar("_Command", bound=Callable[..., Any])

# The settings of a source that a trial heeds; those of `rest` are heeded all.
_HEEDED = {"kind", "resources", "requests_per_second", "page_size", "max_document_bytes", "user_agent", "tables"}
_ALSO_HEEDED = ("api_key_", "oauth2_", "reask_")


def with_flags(command: _Command) -> _Command:
    """Give a command a flag for each setting that a trial heeds; it gets what was given as further arguments."""
    own = inspect.signature(command)
    kept = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = own.replace(parameters=[*kept, *map(_flag, _settings())])  # type: ignore[attr-defined]
    return command


def over(source: Source, given: Mapping[str, Any]) -> Source:
    """Return a source with what flags say in the place of its own settings.

    Raises:
        BadParameter: A flag says something else than its setting can be.
    """
    found = {
        Rest: {setting.name: value for setting in fields(Rest) if (value := _read(setting, given)) is not None},
        Source: {setting.name: value for setting in fields(Source) if (value := _read(setting, given)) is not None},
    }
    rest = replace(source.rest or Rest(), **found[Rest]) if found[Rest] else source.rest
    return replace(source, **found[Source], rest=rest)


def flag_of(name: str) -> str:
    """Return the flag of a setting.

    >>> flag_of("id_path"), flag_of("collections")
    ('--id-path', '--collection')
    """
    return "--collection" if name == "collections" else f"--{name.replace('_', '-')}"


def _settings() -> Iterator["Field[Any]"]:
    yield from fields(Rest)
    yield from (one for one in fields(Source) if one.name in _HEEDED or one.name.startswith(_ALSO_HEEDED))


_TYPES = get_type_hints(Source) | get_type_hints(Rest)


def _flag(setting: "Field[Any]") -> inspect.Parameter:
    declared, type_, help_ = setting.metadata, _TYPES[setting.name], setting.metadata["description"]
    # Short words for what a flag takes leave 80 columns room for the sentences.
    word = "N" if type_ in (int, float) else "WORD" if get_origin(type_) is Literal else None
    if setting.name == "collections":
        help_, type_, word = (
            "A resource's name, and the path of its listing; may be given again.",
            list[str],
            "NAME=PATH",
        )
    elif setting.name == "tables":
        type_, word = str, "JSON"
    elif setting.name == "kind":
        help_ += " Default: that of the block; with --source, rest."
    elif type_ == tuple[str, ...]:
        type_ = list[str]
    elif setting.default:
        help_ += (
            f" Default: {setting.default!r}." if str(setting.default).endswith(" ") else f" Default: {setting.default}."
        )
    panel = "How listings are read" if setting in fields(Rest) else "The source"
    option = typer.Option(
        flag_of(setting.name), help=help_, metavar=word, min=declared.get("ge"), rich_help_panel=panel
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(setting.name, kind, default=None, annotation=Annotated[type_ | None, option])


def _read(setting: "Field[Any]", given: Mapping[str, Any]) -> Any:
    """Return what a flag says as the setting's type; None if it was not given."""
    value, type_ = given.get(setting.name), _TYPES[setting.name]
    if value is None or value == []:
        return None
    if setting.name == "collections":
        return tuple(_pair(text) for text in value)
    if type_ == tuple[str, ...]:
        return tuple(name.strip() for text in value for name in text.split(",") if name.strip())
    return _tables(value) if setting.name == "tables" else value


def _tables(text: str) -> tuple[tuple[str, TableSettings], ...]:
    known = {setting.name for setting in fields(TableSettings)}
    try:
        said = msgspec.json.decode(text, type=dict[str, dict[str, Any]])
        if unknown := sorted({name for table in said.values() for name in table} - known):
            raise SourceError(f"expected {', '.join(sorted(known))}, found {unknown[0]!r}")
        return tuple(read_said(said).items())
    except (msgspec.DecodeError, SourceError) as error:
        raise typer.BadParameter(f"{error}, in {shown(text)}", param_hint=flag_of("tables")) from error


def _pair(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(
            f"expected NAME=PATH, such as trainer=trainers, found {shown(text)!r}", param_hint="--collection"
        )
    return name, path
