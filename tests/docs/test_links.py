"""Every link from one document of this repository to another leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def prose(document: Path) -> str:
    """Return a document without its code."""
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document: Path) -> Iterator[str]:
    """Yield the relative links of a document that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        path, _, anchor = target.partition("#")
        if not re.match(r"[a-z]+:", target):
            found = (document.parent / path).resolve() if path else document
            is_there = found.exists() and found.is_relative_to(REPOSITORY)
            if not is_there or (anchor and anchor not in anchors(found)):
                yield target


def test_every_relative_link_leads_to_a_file_and_a_heading():
    assert {document.name: list(broken(document)) for document in DOCUMENTS if list(broken(document))} == {}


def test_every_document_can_be_reached_from_the_readme():
    seen, pending = set(), [REPOSITORY / "README.md"]
    while pending:
        document = pending.pop()
        if document not in seen and (document.suffix == ".md" or document.is_dir()):
            seen.add(document)
            links = re.findall(r"\]\(([^)\s#:]+)", prose(document)) if document.is_file() else []
            pending += [(document.parent / link).resolve() for link in links]
            pending += document.glob("*.md") if document.is_dir() else []
    assert set(DOCUMENTS) <= seen


@pytest.mark.parametrize("link", ["other.md", "here.md#else", "#else", "../outside.md"])
def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str):
    monkeypatch.setattr("tests.docs.test_links.REPOSITORY", tmp_path)
    here = tmp_path / "here.md"
    here.write_text(
        f"# What is “here”?\n\n[a]({link}) [b](here.md#what-is-here) [c](https://pokeapi.co) `[d](no.md)`\n"
    )
    assert list(broken(here)) == [link]
