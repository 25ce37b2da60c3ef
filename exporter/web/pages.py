"""Pages as answers, and none made twice: a page that did not change is the very same object."""

from __future__ import annotations

import threading
from typing import Final

from exporter.web.compression import gzipped
from exporter.web.http import Body, Headers, Response

GZIP_FROM_BYTES: Final = 1024
JOIN_UP_TO_BYTES: Final = 128 * 1024
"""So much is copied faster than its pieces are handed to the kernel one by one."""
KEPT: Final = 4

VARY: Final = ("Vary", "Accept, Accept-Encoding")
GZIP: Final = ("Content-Encoding", "gzip")


def answer(content_type: str, body: Body, headers: Headers, *, gzip: bool) -> Response:
    """The answer with this page, in one piece where that pays, and as gzip if wanted and worth it."""
    plain = Response(200, content_type, body, (*headers, VARY))
    if gzip and plain.length >= GZIP_FROM_BYTES:
        return Response(200, content_type, gzipped(plain.pieces()), (*plain.headers, GZIP))
    if plain.length <= JOIN_UP_TO_BYTES and not isinstance(body, bytes):
        return Response(200, content_type, b"".join(body), plain.headers)
    return plain


class Pages:
    """Remembers the newest answer of each content type, plain and as gzip. Safe for threads.

    A page must not be changed once it was given here: a changed page is a new object.
    """

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, bool], tuple[Body, Response]] = {}

    def answer(self, content_type: str, body: Body, *, gzip: bool) -> Response:
        """The answer with this page; who asks for it while it is being made waits for it."""
        key = content_type, gzip
        known = self._kept.get(key)
        if known is not None and known[0] is body:
            return known[1]
        with self._lock:
            known = self._kept.pop(key, None)
            if known is None or known[0] is not body:
                known = body, answer(content_type, body, self._headers, gzip=gzip)
            self._kept[key] = known
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return known[1]
