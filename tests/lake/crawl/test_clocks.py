"""When something was asked for is told by the source's clock, or by this machine's if that shows an earlier time."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.lake.crawl import FIRST_PAGE, JSON, ROOT, always, fetch_all, listings, page, site, source, wanted

DAY = timedelta(days=1)


@pytest.mark.parametrize(("ahead", "expected"), [(-DAY, -DAY), (DAY, timedelta())], ids=["behind", "ahead"])
def test_the_earlier_of_both_clocks_counts(ahead: timedelta, expected: timedelta):
    began = datetime.now(UTC)
    headers = {**JSON, "Date": format_datetime(began + ahead, usegmt=True)}
    [found] = listings(source(), ["pokemon"], site({"": ROOT, FIRST_PAGE: page()}, headers))
    fetched = fetch_all(source(), wanted(source(), "pokemon/25"), always(headers=headers))
    for at in (found.at, fetched.began):
        assert at is not None
        # The header has whole seconds.
        assert abs(at - began - expected) < timedelta(seconds=60)


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 01 Jan 99999 00:00:00 GMT"])
def test_where_the_source_says_no_time_this_machine_s_counts(date: str):
    began = datetime.now(UTC)
    fetched = fetch_all(source(), wanted(source(), "pokemon/25"), always(headers={**JSON, "Date": date}))
    assert fetched.began is not None
    assert began <= fetched.began <= datetime.now(UTC)
