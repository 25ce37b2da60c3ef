"""Pages as answers: what is kept, what is made anew, and in how many pieces it goes."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Sequence

import pytest

from exporter.web.compression import gzipped
from exporter.web.http import Response
from exporter.web.pages import JOIN_UP_TO_BYTES, KEPT, Pages, answer

PATIENCE = 20.0
HEADERS = (("A", "b"),)
PAGE = [b"a 1\n"] * 1000


def whole(response: Response) -> bytes:
    """The body in one piece, as it was before compression."""
    body = b"".join(response.pieces())
    return gzip.decompress(body) if ("Content-Encoding", "gzip") in response.headers else body


@pytest.mark.parametrize("packed", [False, True])
def test_an_unchanged_page_is_made_once(*, packed: bool) -> None:
    """The same object gets the same answer; an equal one is another page."""
    kept = Pages(HEADERS)
    first = kept.answer("text", PAGE, gzip=packed)
    assert kept.answer("text", PAGE, gzip=packed) is first
    changed = [*PAGE[:-1], b"a 2\n"]
    assert whole(kept.answer("text", changed, gzip=packed)) == b"".join(changed)
    assert whole(kept.answer("text", PAGE, gzip=packed)) == b"".join(PAGE)


def test_plain_and_compressed_do_not_mix() -> None:
    """Each type and encoding is remembered for itself, and says so in its headers."""
    kept = Pages(HEADERS)
    answers = [kept.answer(kind, PAGE, gzip=packed) for kind in ("a", "b") for packed in (False, True)]
    again = [kept.answer(kind, PAGE, gzip=packed) for kind in ("a", "b") for packed in (False, True)]
    assert [id(each) for each in again] == [id(each) for each in answers]
    assert [each.content_type for each in answers] == ["a", "a", "b", "b"]
    assert all(("Vary", "Accept, Accept-Encoding") in each.headers for each in answers)
    assert [("Content-Encoding", "gzip") in each.headers for each in answers] == [False, True] * 2


def test_what_is_remembered_is_bounded() -> None:
    """Beyond the bound the kind that was made first is forgotten, whoever asks for it gets a good answer."""
    kept = Pages(HEADERS)
    first = kept.answer("0", PAGE, gzip=True)
    for number in range(1, KEPT + 1):
        kept.answer(str(number), PAGE, gzip=True)
    assert len(kept._kept) == KEPT
    again = kept.answer("0", PAGE, gzip=True)
    assert again is not first
    assert again == first


def test_many_scrapers_at_once_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a page that is being compressed waits for it instead of compressing it too."""
    inside, leave, made = threading.Event(), threading.Event(), []

    def slow(blocks: Sequence[bytes]) -> bytes:
        made.append(blocks)
        inside.set()
        leave.wait(PATIENCE)
        return gzipped(blocks)

    monkeypatch.setattr("exporter.web.pages.gzipped", slow)
    kept, answers = Pages(HEADERS), list[Response]()
    threads = [
        threading.Thread(target=lambda: answers.append(kept.answer("text", PAGE, gzip=True)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert inside.wait(PATIENCE)
    leave.set()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(answers) == 8
    assert {id(each) for each in answers} == {id(answers[0])}


def test_small_pages_go_in_one_piece() -> None:
    """Up to a size the pieces are joined; a larger page goes as it is, without a copy."""
    piece = b"x" * 1024
    small, large = [piece] * (JOIN_UP_TO_BYTES // 1024), [piece] * (JOIN_UP_TO_BYTES // 1024 + 1)
    assert answer("text", small, HEADERS, gzip=False).body == b"".join(small)
    assert answer("text", large, HEADERS, gzip=False).body is large
    assert answer("text", piece, HEADERS, gzip=False).body is piece


def test_the_length_is_that_of_all_pieces() -> None:
    """The length that is announced is that of the body as it is sent."""
    for packed in (False, True):
        response = answer("text", PAGE, HEADERS, gzip=packed)
        assert response.length == sum(map(len, response.pieces()))
