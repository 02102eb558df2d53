"""A source as Python that saves its block, to be pasted: the settings that differ from their defaults."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from lake.source import Rest, Source
from lake.table_settings import said_of

# As long a line as terminals have room for.
_ROOM = 80

_INDENT = "    "


def block_text(source: Source, name: str, key_variable: str = "") -> str:
    """Return Python that saves a source as a block; the key lies in an environment variable if one is named."""
    settings: dict[str, Any] = {"base_url": source.base_url, **_changed(source)}
    if source.rest is not None:
        settings["rest"] = _changed(source.rest)
    lines = ["from blocks.source_config import SourceConfig", ""]
    if key_variable:
        settings.setdefault("api_key_block", f"{name}-key")
        saved = f"Secret(value=os.environ[{_text(key_variable)}]).save({_text(settings['api_key_block'])})"
        lines = ["import os", "", "from prefect.blocks.system import Secret", *lines, saved]
    arguments = (
        f"{_INDENT}{setting}={_written(value, _INDENT, len(setting) + 2)}," for setting, value in settings.items()
    )
    return "\n".join([*lines, "SourceConfig(", *arguments, f").save({_text(name)})"])


def _changed(settings: Rest | Source) -> dict[str, Any]:
    """Return the settings that differ from their defaults, as a block takes them."""
    found = {one.name: value for one in fields(settings) if (value := getattr(settings, one.name)) != one.default}
    for name, as_mapping in (("collections", dict), ("tables", said_of)):
        if name in found:
            found[name] = as_mapping(found[name])
    return found


def _written(value: Any, indent: str = "", before: int = 0) -> str:
    """Return a value as Python, a mapping in several lines where it has no room in one."""
    if isinstance(value, Mapping):
        inner = {_text(str(name)): item for name, item in value.items()}
        line = "{" + ", ".join(f"{name}: {_written(item)}" for name, item in inner.items()) + "}"
        if "\n" not in line and len(indent) + before + len(line) <= _ROOM:
            return line
        deeper = indent + _INDENT
        lines = (f"{deeper}{name}: {_written(item, deeper, len(name) + 3)}," for name, item in inner.items())
        return "\n".join(["{", *lines, f"{indent}}}"])
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
