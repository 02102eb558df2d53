"""Text of others: all of it is seen, nothing of it is obeyed, and its length is bounded."""

import json
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl.reply import FetchError
from lake.errors import LakeError, PublishError, SourceError, UnknownNameError
from lake.publish import Finding, Level, audit_identity
from lake.publish.audit import audit_fields, audit_run
from lake.resource import IdentityChange
from lake.text import json_text, printable, shown
from tests.hostile import INVISIBLE, ODD, unseen

ODDITIES = st.lists(st.sampled_from(ODD)).map("".join)


def test_every_character_that_is_obeyed_or_not_seen_is_escaped():
    every = [chr(code) for code in range(0x110000)]
    hidden = [char for char in every if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")] + sorted(
        INVISIBLE
    )
    assert unseen(shown("".join(hidden), 10**6)) == set()
    assert unseen(printable("".join(hidden), 10**6)) == set()
    assert shown("\n") == r"\n"
    assert printable("a\n- b\r") == "a\n- b\\r"


@given(st.text(st.characters(exclude_categories=())) | ODDITIES, st.integers(60, 300))
def test_whatever_is_shown_is_printable_and_bounded_and_stays_as_it_is(text: str, limit: int):
    for make in (shown, printable):
        made = make(text, limit)
        assert unseen(made) == set()
        assert len(made) <= limit
        assert make(made, limit) == made
    assert "\n" not in shown(text, limit)


@given(st.text(max_size=200))
def test_text_that_is_printable_is_shown_as_it_is(text: str):
    plain = "".join(
        char for char in text if char.isprintable() and not unseen(char) and not "\ufe00" <= char <= "\ufe0f"
    )
    assert shown(plain) == plain


def test_what_people_write_stays_readable():
    for text in ("Pokémon", "Flabébé ♀", "ポケモン", "포켓몬", "寶可夢", "❤️ 1️⃣ ☎︎ ‼️ ©️", "🇯🇵 👍🏽", "नमस्ते", "สวัสดี"):
        assert shown(text) == text


def test_a_variation_selector_that_chooses_no_look_is_seen():
    assert shown("a\ufe0f") == r"a\ufe0f"
    assert shown("\ufe0f") == r"\ufe0f"
    assert shown("❤\ufe0f\ufe0e\ufe01") == "❤\ufe0f" + r"\ufe0e\ufe01"
    assert shown("\u3164\ufe0f") == r"\u3164\ufe0f"


@given(st.text() | ODDITIES)
def test_json_for_a_terminal_means_the_same(text: str):
    for ascii_only in (False, True):
        made = json_text(json.dumps([text], ensure_ascii=False), ascii_only)
        assert json.loads(made) == [text]
        assert unseen(made) == set()
        assert made.isascii() or not ascii_only


def test_a_long_text_is_cut_and_its_length_is_said():
    assert shown("é" * 1_000_000) == f"{'é' * 176}… (1,000,000 characters)"
    # No half of an escape is left.
    assert {shown("\x1b" * 100, limit)[:1] for limit in range(40, 60)} == {"\\"}
    assert all(len(shown("\x1b" * 100, limit).partition("…")[0]) % 4 == 0 for limit in range(40, 60))


@pytest.mark.parametrize("kind", [LakeError, SourceError, FetchError])
def test_no_error_says_what_is_obeyed_or_has_no_end(kind: type[Exception]):
    error = kind("\x1b]8;;https://evil.test\x07" + "x" * 1_000_000)
    assert unseen(str(error)) == set()
    assert str(error).startswith("\\x1b]8;;")
    assert len(str(error)) <= 10_000
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_errors_that_list_names_are_bounded():
    names = [f"\u202e{number}" for number in range(100_000)]
    assert len(str(UnknownNameError("table", "x" * 1_000_000, names))) <= 10_000
    refused = PublishError("s", None, [f"pokemon: \x9b{name}\nforged" for name in names])
    assert len(str(refused)) <= 10_000
    assert unseen(str(refused)) == set()


def test_findings_quote_the_beginning_of_a_name_and_say_its_length():
    long = "\x1b" + "x" * 1_000_000
    [renamed] = audit_identity([IdentityChange("move", 11, long, "vise\ngrip", False)])
    assert renamed.message.startswith("1 renamed: 11 \\x1bxxx")
    assert renamed.message.endswith("… (1,000,001 characters) -> vise\\ngrip")
    [fields] = audit_fields("move", {long: 1, "other": 2}, 3)
    [versions] = audit_run({long: 1, "b": 2}, {}, {})
    many = audit_identity(IdentityChange("move", id_, long, long, True) for id_ in range(50))
    kept = Finding(Level.WARN, "drift", "move", long)
    for finding in (renamed, fields, versions, *many, kept):
        assert len(finding.message) <= 4_000
        assert unseen(finding.message) == set()
    assert "… (1,000,001 characters)" in fields.message
