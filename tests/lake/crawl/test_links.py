"""The header Link, as RFC 8288 has it."""

import pytest

from lake.crawl.links import next_link


@pytest.mark.parametrize(
    ("header", "following"),
    [
        (None, None),
        ("", None),
        ('<https://a.test/?page=2>; rel="next"', "https://a.test/?page=2"),
        ("<?page=2>;rel=next", "?page=2"),
        ('<?a=1,2;b="c">; rel="next"', '?a=1,2;b="c"'),
        ('<?page=1>; rel="prev", <?page=3>; rel="next", <?page=9>; rel="last"', "?page=3"),
        ('<?page=1>; rel="prev" ,, <?page=3> ; title="one, <two>; rel=\\"no\\"" ; REL = "last NEXT"', "?page=3"),
        ('<?page=3>; rel="nextpage", <?page=4>; title="next"', None),
        ('<?page=3>; rel="last"; rel="next"', None),
        ('<?page=3>; rel="next"; anchor="/elsewhere", <?page=4>; crossorigin; rel="next"', "?page=4"),
        ('<>; rel="next"', ""),
    ],
)
def test_the_next_page_is_found_among_links(header: str | None, following: str | None):
    assert next_link(header) == following


@pytest.mark.parametrize("header", ["?page=2; rel=next", '<?page=2; rel="next"', '<?page=2>; rel="next', "<a> <b>"])
def test_a_header_that_is_no_list_of_links_is_refused(header: str):
    """Otherwise a listing would end too early, and its other documents would count as deleted."""
    with pytest.raises(ValueError, match="expected"):
        next_link(header)
