"""How a setting is declared: once, with its default and its sentence, from which every form of it is made."""

from dataclasses import field
from typing import TypeVar

_T = TypeVar("_T")


def setting(default: _T, sentence: str, **form: str | float) -> _T:
    """Declare a setting: its default, the sentence that every form shows, and its title or bounds.

    All but the default stands in the field's metadata, under the names that pydantic's `Field` has for it.
    """
    return field(default=default, metadata={"description": sentence, **form})
