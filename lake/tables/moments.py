"""Times and dates as texts: which texts are some, by one pattern that both Python and Arrow read, and how they land."""

import pyarrow as pa
import pyarrow.compute as pc

_MONTH_AND_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_FEBRUARY_29 = r"(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29"
# Those of which every moment of a day lies in a year that Python has, whatever the zone.
_YEAR = r"(?:000[2-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
_FIRST_OR_LAST = r"(?:0001|9999)"
_HOUR_AND_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"T{_HOUR_AND_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,6}})?"

DATE = rf"(?:{_YEAR}-{_MONTH_AND_DAY}|{_FEBRUARY_29}|{_FIRST_OR_LAST}-{_MONTH_AND_DAY})"

# RFC 3339 with a capital T and Z, without a leap second, and with six digits of a second at most, because a column of
# microseconds holds no more.
MOMENT = (
    rf"(?:(?:{_YEAR}-{_MONTH_AND_DAY}|{_FEBRUARY_29}){_TIME}(?:Z|[+-]{_HOUR_AND_MINUTE})"
    rf"|{_FIRST_OR_LAST}-{_MONTH_AND_DAY}{_TIME}Z)"
)


def moments(texts: pa.StringArray, type_: pa.DataType) -> tuple[pa.Array, list[str]]:
    """Return texts as a column of times or dates, null for a text that is none, and all texts that are none."""
    pattern = MOMENT if pa.types.is_timestamp(type_) else DATE
    fits = pc.match_substring_regex(texts, f"^{pattern}$")
    odd = texts.filter(pc.fill_null(pc.invert(fits), False))
    return pc.if_else(fits, texts, pa.scalar(None, pa.string())).cast(type_), odd.to_pylist()
