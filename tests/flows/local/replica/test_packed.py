"""The bodies of a corpus, some of which do not fit in memory."""

import pytest

from flows.local.replica import Corpus, answers
from flows.local.replica.answers import Renderer
from flows.local.replica.packed import Packed


def test_bodies_beyond_the_limit_lie_in_a_file_and_come_back_as_they_were():
    bodies = {f"pokemon/{number}": b"%d" % number * 1000 for number in range(9)}
    packed = Packed(kept_bytes=50)
    for path, body in bodies.items():
        packed.add(path, body)
    assert dict(packed) == bodies
    assert len(packed) == 9
    assert "pokemon/9" not in packed


def test_answers_beyond_the_limit_are_rendered_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answers, "KEPT_BYTES", 30)
    renderer = Renderer(Corpus.from_documents({f"pokemon/{number}": b'{"id":%d}' % number for number in range(99)}))

    def ask(number: int) -> object:
        return renderer.answer(b"http://127.0.0.1", f"pokemon/{number}", b"")

    asked = {number: ask(number) for number in range(99)}
    assert ask(0) is asked[0]
    assert ask(98) is not asked[98]
    assert ask(98) == asked[98]
