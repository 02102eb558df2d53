"""The page of a snapshot: what stands in it, that it can be read by everybody, and that old lakes have one."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lake.commit import Commit
from lake.read import Lake
from lake.report import make_page
from tests.hostile import ODD, unseen
from tests.lake.assemble.lakeside import Lakeside
from tests.lake.report import Read, read

# A page is opened from a console, and maybe on a phone.
PAGE_BYTES = 1_500_000

HOSTILE = (
    *("{{ 7*7 }}", '"><img src=x onerror=alert(1)>', "</style><script>alert(1)</script>", "<svg onload=alert(1)>"),
    *ODD,
)

# Where a source might say that a picture lies.
URL = 'https://x.test/"onerror="alert(1)'

ELEMENTS = {
    *("html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "section", "footer", "div"),
    *("h1", "h2", "h3", "h4", "p", "a", "b", "i", "span", "code", "blockquote", "ul", "li", "dl", "dt", "dd", "wbr"),
    *("figure", "figcaption", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "img"),
    *("svg", "rect", "circle", "line", "path", "text"),
}


@pytest.fixture(scope="module")
def page(side: Lakeside) -> Read:
    """Read the page of the current snapshot, with Pikachu in it."""
    _, body = make_page(side.lake, pokemon="pikachu")
    assert len(body) < PAGE_BYTES / 5
    return read(body)


def texts(page: Read, tag: str) -> list[str]:
    return [" ".join(element.text.split()) for element in page.of(tag)]


def numbers(page: Read, caption: str) -> list[str]:
    """Return the rows of the table with this caption, each as one text."""
    tags = [(place, element) for place, element in enumerate(page.elements) if element.tag in ("caption", "tr")]
    captions = [place for place, (_, element) in enumerate(tags) if element.tag == "caption"]
    [begin] = [place for place in captions if " ".join(tags[place][1].text.split()).startswith(caption)]
    rows = []
    for place, element in tags[begin + 1 :]:
        if element.tag == "caption":
            break
        cells = list(page.elements[place + 1 :])
        row = []
        for cell in cells:
            if cell.tag in ("tr", "caption", "section"):
                break
            row += [cell.text] if cell.tag in ("th", "td") else []
        rows.append(" | ".join(" ".join(text.split()) for text in row))
    return rows


def test_it_says_what_is_in_the_snapshot_and_what_changed(side: Lakeside, page: Read):
    commit = side.commit
    assert texts(page, "h1") == [f"Snapshot {commit.snapshot}"]
    assert f"{commit.tables['documents'].rows:,} documents" in texts(page, "p")
    # A lake says the same of itself.
    rows = next(text for text in texts(page, "p") if re.fullmatch(r"[0-9,]+ rows", text))
    assert repr(side.lake).endswith(f" {len(commit.tables)} tables, {rows}")
    assert numbers(page, "Documents that changed")[1:] == ["pokemon | 1 | 1 | 0 | 0", "meta | 0 | 1 | 0 | 0"]
    grown = numbers(page, "Tables that grew or shrank")[1:]
    assert "pokemon | +1 | " in " ".join(grown)
    sizes = [abs(int(re.sub(r"[^0-9]", "", row.split(" | ")[1]))) for row in grown]
    assert sizes == sorted(sizes, reverse=True)
    assert "1 of pokemon" in texts(page, "dt")
    assert [row.split(" | ")[0] for row in numbers(page, "Snapshots, the newest first")[1:]] == [
        commit.snapshot,
        commit.parent,
    ]


def test_a_first_snapshot_is_compared_with_none(side: Lakeside):
    first = read(make_page(side.lake, side.commit.parent)[1])
    assert "It is the first snapshot, so all of its documents are new." in texts(first, "p")
    assert not {"Documents since the parent", "Tables that grew or shrank"} & set(texts(first, "h3"))


def test_it_says_what_was_found_and_what_the_crawl_took(side: Lakeside, page: Read):
    [finding] = [row for row in numbers(page, "What the audits found") if "new-field" in row]
    assert finding.startswith("warn | new-field | pokemon |")
    assert "mood" in finding
    assert [row.split(" | ")[:2] for row in numbers(page, "Documents that could not be fetched")[1:]] == [
        ["pokemon/26", "kept from before"]
    ]
    said = dict(zip(texts(page, "dt")[-5:], texts(page, "dd")[-5:], strict=True))
    assert said["Requests"] == f"{side.commit.source.requests:,}"
    assert said["New or other than before"].startswith("3 documents, ")
    assert said["Not fetched"] == "1 document"


def test_it_tells_of_one_pokemon_closely(page: Read):
    said = " ".join(texts(page, "section"))
    assert "Mouse Pokémon" in said
    assert "Lightning Rod hidden" in said
    assert numbers(page, "Stats of Pikachu")[1].startswith("HP | 35 | ")
    assert numbers(page, "How much of the damage")[1:] == ["double | Ground", "half | Flying Steel Electric"]
    assert any(text.startswith("Pikachu → Raichu:") and "Use the Thunder Stone." in text for text in texts(page, "li"))
    [picture] = page.of("img")
    assert picture.attributes["src"].startswith("https://raw.githubusercontent.com/PokeAPI/sprites/")


def test_the_type_chart_of_each_time_is_a_table(page: Read):
    captions = [caption for caption in texts(page, "caption") if caption.startswith("The type chart")]
    assert [re.sub(" A row attacks.*", "", caption) for caption in captions] == [
        "The type chart",
        "The type chart of generation 2 to 5",
        "The type chart of generation 1",
    ]
    assert "Ghost |  |  |  |  |  |  |  | 2" in numbers(page, captions[0])[8].replace("0 |", " |")


def test_the_same_snapshot_has_the_same_page_whatever_is_published_later(side: Lakeside):
    first = side.commit.parent
    commit, page = make_page(side.lake, first)
    assert commit.snapshot == first
    assert make_page(Lake(side.store), first)[1] == page
    assert side.commit.snapshot not in page.decode()


def test_everybody_can_read_it(page: Read):
    """By keyboard or by ear: landmarks, headings in their order, pictures with words, tables with captions."""
    assert [element.attributes.get("lang") for element in page.of("html")] == ["en"]
    assert [len(page.of(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    first, *_ = page.of("a")
    assert (first.attributes["href"], first.text) == ("#main", "Skip to the content")
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    assert {element.attributes["href"].removeprefix("#") for element in page.of("a")} <= set(ids)
    levels = [int(element.tag[1]) for element in page.of("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for picture in page.of("svg"):
        assert picture.attributes["role"] == "img"
        assert len(picture.attributes["aria-label"]) > 10
    assert all("alt" in picture.attributes for picture in page.of("img"))
    assert len(page.of("caption")) == len(page.of("table")) > 10
    assert all(head.attributes.get("scope") in ("col", "row") for head in page.of("th"))
    named = [section.attributes for section in page.of("section")]
    assert all(one.get("aria-label") or one["aria-labelledby"] in ids for one in named)


def test_colours_come_from_the_style_alone(page: Read):
    """So that they follow light and dark: no picture names one."""
    painted = {"fill", "stroke", "style", "color", "bgcolor"}
    assert [element for element in page.elements if painted & element.attributes.keys()] == []
    [style] = page.of("style")
    assert "prefers-color-scheme: dark" in style.text


def test_it_asks_for_nothing_but_the_picture(page: Read):
    addresses = [
        element.attributes[name] for element in page.elements for name in ("src", "href") if name in element.attributes
    ]
    assert [address for address in addresses if not address.startswith("#")] == [
        "data:,",
        page.of("img")[0].attributes["src"],
    ]
    assert not re.search(r"url\(|@import", page.of("style")[0].text)
    [policy] = [
        one.attributes["content"] for one in page.of("meta") if "default-src" in one.attributes.get("content", "")
    ]
    assert policy.startswith("default-src 'none'; img-src https: data:; style-src 'sha256-")


def test_text_of_an_api_is_text_wherever_it_stands(side: Lakeside, monkeypatch: pytest.MonkeyPatch):
    """Every text of every table, and of the commit: no element, attribute, address or style comes of it."""
    from lake.report import rows

    answer, turn = rows.Rows.of, iter(range(1_000_000))

    def hostile(value: Any) -> Any:
        return HOSTILE[next(turn) % len(HOSTILE)] if isinstance(value, str) else value

    def of(self: rows.Rows, name: str, *columns: str, **equal: object) -> list[dict[str, Any]]:
        found = answer(self, name, *columns, **equal)
        if name == "pokemon_sprites":
            return [{**row, "url": URL} for row in found]
        return [{key: hostile(value) for key, value in row.items()} for row in found]

    def made_hostile(commit: Commit) -> Commit:
        [failure] = commit.stale
        return replace(
            commit,
            committed_at=hostile(commit.committed_at),
            source=replace(
                commit.source, base_url=hostile(""), version=hostile(""), refused={hostile(""): hostile("")}
            ),
            run={"code_version": hostile("")},
            audits=tuple(dict.fromkeys(("level", "rule", "subject", "message"), text) for text in HOSTILE),
            changes={text: {"added": 1, "deleted": 2} for text in HOSTILE},
            stale=tuple(replace(failure, path=text, reason=text) for text in HOSTILE),
        )

    monkeypatch.setattr(rows.Rows, "of", of)
    pinned = side.lake.at()
    pinned._pinned = made_hostile(side.commit)
    monkeypatch.setattr(Lake, "at", lambda self, as_of=None: pinned)
    _, body = make_page(side.lake, pokemon=None)
    page = read(body)
    assert unseen(body.decode()) == set()
    assert {element.tag for element in page.elements} <= ELEMENTS
    assert [name for element in page.elements for name in element.attributes if name.startswith("on")] == []
    assert page.of("img") == []
    assert {element.attributes["href"][0] for element in page.of("a")} == {"#"}
    assert "<script>alert(1)</script>" in " ".join(element.text for element in page.of("td"))
    assert "{{ 7*7 }}" in " ".join(element.text for element in page.of("td"))


# Tables that earlier code, or another source, did not write, and what is said of it: a view needs several.
@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("document_index type_effectiveness pokemon_sprites", "document_index, pokemon_sprites, type_chart"),
        ("names effects flavor_texts", "effects, evolutions, flavor_texts, names"),
        ("species", "pokemon_wide, species"),
    ],
)
def test_an_older_snapshot_has_a_page_of_what_it_has(side: Lakeside, lacking: str, said: str):
    older = side.lake.at()
    commit = side.commit
    kept = {name: of for name, of in commit.tables.items() if name not in lacking.split()}
    older._pinned = replace(commit, tables=kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "at", lambda self, as_of=None: older if as_of is None else Lake(self.store))
        page = read(make_page(side.lake)[1])
    assert texts(page, "h1") == [f"Snapshot {commit.snapshot}"]
    [line] = [text for text in texts(page, "p") if text.startswith("Not in this snapshot")]
    assert line.partition(": ")[2] == f"{said}."


def test_a_lake_of_documents_alone_has_a_page(side: Lakeside):
    """A source that is not PokeAPI has documents, their values, and no Pokémon."""
    commit = side.commit
    few = {name: commit.tables[name] for name in ("documents", "document_index")}
    other = side.lake.at()
    other._pinned = replace(commit, tables=few, source=replace(commit.source, kind="rest"), parent=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "at", lambda self, as_of=None: other)
        page = read(make_page(side.lake)[1])
    assert not [text for text in texts(page, "h2") if "no." in text or text == "Pokémon"]
    assert "pokemon" in " ".join(numbers(page, "Documents by resource"))
    assert [row.split(" | ")[0] for row in numbers(page, "Tables, most rows first")[1:]] == [
        "document_index",
        "documents",
    ]


def test_its_style_and_template_lie_beside_the_code():
    folder = Path(make_page.__code__.co_filename).parent
    assert {path.name for path in folder.iterdir() if path.suffix in (".html", ".css")} == {"page.html", "page.css"}
