"""Bodies coded in every way that HTTP has a name for."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl.coding import MAX_MEMBERS, CodingError, decoder_of
from tests.lake.crawl import JSON, always, get, refusal, source

BODY = b'{"id":25,"name":"pikachu"}'


def raw(body: bytes) -> bytes:
    """Return deflate without the frame of zlib, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def decoded(header: str, body: bytes, piece: int = 1) -> bytes:
    decoder = decoder_of(header)
    found = b"".join(decoder.feed(body[at : at + piece], 1000) for at in range(0, len(body), piece))
    decoder.end()
    return found


@pytest.mark.parametrize("piece", [1, 2, 1000])
@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        (" X-GZip ", gzip.compress(BODY)),
        ("identity, gzip", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:9]) + gzip.compress(b"") + gzip.compress(BODY[9:])),
        ("gzip", gzip.compress(BODY) + b"\0" * 8),
        ("deflate", zlib.compress(BODY)),
        ("Deflate", raw(BODY)),
        ("identity", BODY),
        ("Identity , identity", BODY),
        ("", BODY),
    ],
)
def test_a_body_comes_out_as_it_was(header: str, body: bytes, piece: int):
    assert decoded(header, body, piece) == BODY


@pytest.mark.parametrize(
    ("header", "body", "reason"),
    [
        ("gzip", gzip.compress(BODY)[:-1], "invalid gzip: it ends too early"),
        ("gzip", gzip.compress(BODY) + b"rubbish", "invalid gzip: "),
        ("gzip", gzip.compress(BODY) + gzip.compress(BODY)[:-9], "invalid gzip: it ends too early"),
        ("gzip", gzip.compress(b"") * (MAX_MEMBERS + 1), "invalid gzip: more than 1,000 members"),
        ("gzip", b"", "invalid gzip: it ends too early"),
        ("deflate", zlib.compress(BODY) + b"rubbish", "invalid deflate: more bytes come after its end"),
        ("deflate", BODY, "invalid deflate: "),
        ("deflate", raw(BODY)[:-1], "invalid deflate: it ends too early"),
        ("br", BODY, "content encoding: expected gzip, found 'br'"),
        ("deflate, gzip", BODY, "content encoding: expected gzip, found 'deflate, gzip'"),
    ],
)
def test_a_body_that_is_not_coded_as_it_says_is_refused(header: str, body: bytes, reason: str):
    with pytest.raises(CodingError, match=f"^{reason}"):
        decoded(header, body)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.integers(1, 60))
def test_gzip_of_any_members_in_any_pieces_comes_out_whole(members: list[bytes], piece: int):
    assert decoded("gzip", b"".join(map(gzip.compress, members)), piece) == b"".join(members)


@pytest.mark.parametrize("members", [1, 1000])
def test_no_more_comes_out_than_is_wanted(members: int):
    """A piece of a few kilobytes may hold gigabytes, in one member or in many."""
    bomb = gzip.compress(b"a" * 100_000) * members
    assert len(decoder_of("gzip").feed(bomb, 10)) == 10
    reason = refusal(source(max_document_bytes=150_000), always(bomb, headers={**JSON, "Content-Encoding": "gzip"}))
    assert reason == "more than 150,000 bytes" if members > 1 else reason.startswith("invalid JSON")


def test_a_byte_order_mark_is_no_part_of_the_document():
    assert get(source(), transport=always(b"\xef\xbb\xbf" + BODY)).body == BODY
    assert refusal(source(), always(BODY.decode().encode("utf-16"))).startswith("invalid JSON: ")
