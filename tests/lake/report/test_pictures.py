"""The pictures of a page: that nothing of them is cut off, and that what they show is in its place."""

import re
from itertools import pairwise

import pytest

from lake.report.facts import Moment
from lake.report.pictures.bars import bars
from lake.report.pictures.canvas import WIDTH, Canvas, width_of
from lake.report.pictures.radar import radar
from lake.report.pictures.sizes import sizes
from lake.report.pictures.spread import spread
from lake.report.pictures.timeline import held, timeline
from lake.report.pictures.tree import tree
from lake.report.spotlight import Kin
from lake.report.strength import Size, Spread

STATS = [(name, value, 70.0) for name, value in zip("abcdef", (35, 255, 1, 50, 50, 90), strict=True)]


def moment(added: int, modified: int, deleted: int, documents: int) -> Moment:
    return Moment(
        "20260808T041200Z-1f3a9c02", "2026-08-08T04:13:05+00:00", added, modified, deleted, documents, 1, 1, 1
    )


def kin(name: str, *children: Kin, ways: int = 0) -> Kin:
    return Kin(
        len(name),
        name,
        [f"Way {way} to it, which takes more words than one line has." for way in range(ways)],
        [*children],
    )


PICTURES = {
    "bars": bars(
        "What there is",
        [("long-name-of-a-resource", [(5, "good", "5 added"), (0, "bad", "")], "5"), ("\u202e" * 9, [], "0")],
        136,
    ),
    "radar": radar("Its stats of six kinds", STATS),
    "sizes": sizes("How large they are", [Size("Joltik", 0.1, 0.6, False), Size("Eternatus", 20, 950, True)]),
    "one size": sizes("How large it is", [Size("Cosmoem", 0.1, 999.9, True)]),
    "spread": spread("How strong they are", [Spread(1, 151, (195, 320, 405, 490, 680), "Caterpie" * 3, "Mewtwo")]),
    "timeline": timeline("What changed over time", [moment(15_066, 0, 0, 15_066), moment(398, 8_230, 7, 15_464)]),
    "one moment": timeline("What changed at first", [moment(1, 0, 0, 1)]),
    "held": held("What was held over time", [moment(1, 0, 0, 15_066), moment(1, 0, 0, 15_464)]),
    "always as many": held("What was always held", [moment(1, 0, 0, 7)] * 200),
    "tree": tree("Who becomes whom", kin("Eevee", kin("Vaporeon", ways=1), kin("Leafeon", kin("Later"), ways=7)), 7),
}


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_lies_outside_of_the_picture(name: str):
    svg = PICTURES[name]
    width, height = (float(number) for number in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    assert width == WIDTH
    for x, y in re.findall(r'<(?:text|circle)[^>]* c?x="(-?[0-9.]+)" c?y="(-?[0-9.]+)"', svg):
        assert 0 <= float(x) <= width
        assert 0 <= float(y) <= height
    for x, anchor, text in re.findall(r'<text x="([0-9.]+)"[^>]* text-anchor="(\w+)"[^>]*>([^<]*)<', svg):
        size = len(text) * 5.5
        assert float(x) - {"start": 0, "middle": size / 2, "end": size}[anchor] >= 0, text
        assert float(x) + {"start": size, "middle": size / 2, "end": 0}[anchor] <= width, text
    for x, size in re.findall(r'<rect x="(-?[0-9.]+)"[^>]* width="([0-9.]+)"', svg):
        assert float(x) + float(size) <= width


def gen(number: int, weakest: str, strongest: str, low: float, high: float) -> Spread:
    return Spread(number, 2, (low, low, low, high, high), weakest, strongest)


def test_names_do_not_lie_on_each_other():
    """Nor is one of two that are the same, of a generation of which there is one Pokémon, written twice."""
    close = [gen(1, "Sprigatito", "Meowscarada", *ends) for ends in ((300, 310), (500, 530), (680, 680), (300, 680))]
    close.append(gen(2, "Magikarp of a Long Name", "Mewtwo of a Longer Name", 670, 680))
    svg = spread("How strong they are", [*close, gen(3, "Sylveon", "Sylveon", 525, 525)])
    assert svg.count(">Sylveon<") == 1
    rows: dict[str, list[tuple[float, float]]] = {}
    for x, y, name in re.findall(r'<text x="([0-9.]+)" y="([0-9.]+)" font-size="10"[^>]*>([^<0-9]+)<', svg):
        rows.setdefault(y, []).append((float(x), float(x) + width_of(name, 10)))
    assert [len(row) for row in rows.values()] == [2, 2, 2, 2, 2, 1]
    for row in rows.values():
        assert all(begin >= 46 and end <= WIDTH for begin, end in row)
        assert all(one[1] < other[0] for one, other in pairwise(row))
    large = [Size("Gyarados of the Lake", 6.5, 235, False), Size("Wailord of the Sea", 7, 230, False)]
    assert len(re.findall("of the", sizes("How large", [*large, Size("Joltik", 0.1, 0.6, False)]))) == 3


def test_a_tree_has_a_branch_to_each_but_the_root_and_says_how():
    svg = PICTURES["tree"]
    assert svg.count('class="branch"') == 3
    assert svg.count("marked") == 1
    assert ">or in 4 more ways<" in svg
    assert svg.index(">Leafeon<") < svg.index(">Later<")


def test_text_is_escaped_and_a_label_is_never_foreign():
    canvas = Canvas(10, "A picture of text")
    canvas.text("<script>\u202e&amp;", 1, 1)
    canvas.rectangle(0, 0, 1, 1, "accent", "</title><script>")
    assert "<script>" not in canvas.element()
    assert "&lt;script&gt;\\u202e&amp;amp;" in canvas.element()
    with pytest.raises(AssertionError, match="not escaped"):
        Canvas(10, '"><script>')
