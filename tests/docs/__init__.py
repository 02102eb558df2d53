"""Tests of what people read: the README, docs/, and what stands around the code."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def code_blocks(document: str, language: str, heading: str) -> list[str]:
    """Return the code blocks of a language in one section of a document, below a heading of the second level."""
    section = (REPOSITORY / document).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
