"""The block that holds everything about a source: the settings of `lake.source`, as a form."""

from dataclasses import asdict, fields
from difflib import get_close_matches
from typing import Any, Self, get_type_hints

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, create_model, model_validator

from lake.errors import SourceError
from lake.source import Rest, Source
from lake.table_settings import ColumnSettings, TableSettings


def _form(settings: type[Rest | Source | TableSettings | ColumnSettings], **other: tuple[Any, Any]) -> type[BaseModel]:
    """Return a model with a field for each declared setting; `other` gives type and default of those that differ."""
    types = get_type_hints(settings)
    form: dict[str, Any] = {}
    for setting in fields(settings):
        type_, default = other.get(setting.name, (types[setting.name], setting.default))
        form[setting.name] = (type_, Field(default=default, **setting.metadata))
    return create_model(f"_{settings.__name__}", **form)


# mypy accepts no base class that is made at run time.
class RestConfig(_form(Rest, collections=(dict[str, str], {}))):  # type: ignore[misc]
    """Where things lie in the listings of a JSON REST API; a path is dotted, such as `pagination.next`."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def of(cls, rest: Rest) -> "RestConfig":
        """Return the form that holds these settings."""
        return cls(**{**asdict(rest), "collections": dict(rest.collections)})

    def rest(self) -> Rest:
        """Return the settings as the crawl takes them."""
        return Rest(**{**self.model_dump(), "collections": tuple(self.collections.items())})


class ColumnConfig(_form(ColumnSettings)):  # type: ignore[misc]
    """What is said of one column."""

    model_config = ConfigDict(extra="forbid")


class TableConfig(_form(TableSettings, omit=(list[str], []), columns=(dict[str, ColumnConfig], {}))):  # type: ignore[misc]
    """What is said of one table; the paths of columns begin at a document, or at an element of the table's list."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def of(cls, table: TableSettings) -> "TableConfig":
        """Return the form that holds these settings."""
        return cls(**{**asdict(table), "columns": {path: asdict(column) for path, column in table.columns}})

    def table(self) -> TableSettings:
        """Return the settings as a lake takes them."""
        columns = tuple((path, ColumnSettings(**column.model_dump())) for path, column in self.columns.items())
        return TableSettings(**{**self.model_dump(), "omit": tuple(self.omit), "columns": columns})


class SourceConfig(
    Block,
    _form(  # type: ignore[misc]
        Source,
        base_url=(HttpUrl, HttpUrl(Source().base_url)),
        resources=(list[str], []),
        rest=(RestConfig | None, None),
        tables=(dict[str, TableConfig], {}),
    ),
):
    """A source to crawl, and how to be polite to it; each field is a setting of `lake.source.Source`.

    Example:
        Save a source that crawls two resources, and load it:

        ```python
        from blocks.source_config import SourceConfig

        SourceConfig(resources=["pokemon", "type"], requests_per_second=5).save("BLOCK_NAME")

        source_config = SourceConfig.load("BLOCK_NAME")
        print(source_config.source())
        ```
    """

    _block_type_name = "Pokélake Source"
    _block_type_slug = "pokelake-source"
    _description = "An API that Pokélake crawls: its address, resources and limits."

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Any) -> Any:
        """Refuse a setting that does not exist, because without the one that was meant the default would be crawled."""
        given = values if isinstance(values, dict) else {}
        # Prefect adds members of its own.
        names = [name for name in given if name not in cls.model_fields and not name.startswith(("_", "block_type_"))]
        if names:
            meant = (get_close_matches(name, cls.model_fields, 1) for name in names)
            said = (
                f"{name} (is {close[0]} meant?)" if close else name for name, close in zip(names, meant, strict=True)
            )
            raise ValueError(f"a source has no setting {', '.join(said)}")
        return values

    @model_validator(mode="after")
    def _refuse_wrong(self) -> Self:
        """Refuse what no source can have before it is saved, because a run would find it no sooner than it begins."""
        try:
            self.source()
        except SourceError as error:
            raise ValueError(str(error)) from error
        return self

    @classmethod
    def of(cls, source: Source) -> "SourceConfig":
        """Return the block that holds these settings."""
        rest = RestConfig.of(source.rest) if source.rest else None
        tables = {name: TableConfig.of(table) for name, table in source.tables}
        return cls(**{**asdict(source), "rest": rest, "tables": tables})

    def source(self) -> Source:
        """Return the settings as the crawl takes them."""
        settings: dict[str, Any] = {setting.name: getattr(self, setting.name) for setting in fields(Source)}
        settings["base_url"] = str(self.base_url)
        settings["resources"] = tuple(self.resources)
        settings["rest"] = self.rest.rest() if self.rest else None
        settings["tables"] = tuple((name, table.table()) for name, table in self.tables.items())
        return Source(**settings)
