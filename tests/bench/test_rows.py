"""The table of the bench."""

from bench.rows import HEAD, Row
from bench.s3 import operation


def test_a_budget_bounds_a_multiple_an_addition_or_the_figure_itself():
    assert Row("seconds", [3.0, 5.0, 4.0], [2.0], "above", 1.0).verdict == "OVER +1"
    assert Row("seconds", [3.0, 5.0, 4.0], [2.0], "times", 2.0).verdict == "within 2 x"
    assert Row("requests", [451], (), "at most", 450).verdict == "OVER 450"
    assert Row("CPU", [3.0]).verdict == ""


def test_a_line_has_eighty_columns_at_most_and_stands_below_its_head():
    line = Row("a row whose name has as many letters as fit", [1234.5], [0.0287], "at most", 600.0).line()
    assert len(line) <= 80
    assert line.index("1,234") < len(HEAD)


def test_requests_have_the_names_of_a_bill():
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/lake", "QUERY_STRING": "list-type=2&prefix=commits/"}
    assert operation(asked) == "LIST"
    assert operation({**asked, "PATH_INFO": "/lake/commits/1.json", "QUERY_STRING": ""}) == "GET"
    assert operation({"REQUEST_METHOD": "PUT", "PATH_INFO": "/lake/a", "HTTP_X_AMZ_COPY_SOURCE": "lake/b"}) == "COPY"
    assert operation({"REQUEST_METHOD": "POST", "PATH_INFO": "/lake", "QUERY_STRING": "delete"}) == "DELETE"
