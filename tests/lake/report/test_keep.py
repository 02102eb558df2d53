"""A page in the bucket: created once, opened by a browser as a page, and made anew when somebody asks."""

from lake.layout import report_key
from lake.report.keep import is_kept, keep
from lake.store import Store
from tests.lake.read import FIRST, SECOND


def test_a_page_is_kept_once_and_replaced_only_if_that_is_asked_for(store: Store):
    assert not is_kept(store, FIRST)
    assert keep(store, FIRST, b"<html>")
    assert is_kept(store, FIRST)
    assert not is_kept(store, SECOND)
    assert not keep(store, FIRST, b"<html>later")
    assert store.get(report_key(FIRST)) == b"<html>"
    assert keep(store, FIRST, b"<html>later", anew=True)
    assert store.get(report_key(FIRST)) == b"<html>later"


def test_a_browser_is_told_that_it_is_a_page(store: Store):
    keep(store, FIRST, b"<html>")
    answer = store._s3.head_object(Bucket=store.bucket, Key=f"{store.prefix}{report_key(FIRST)}")
    assert answer["ContentType"] == "text/html; charset=utf-8"
