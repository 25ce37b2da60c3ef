"""Paths to answers. Knows what can be asked of the exporter, and nothing of how it is found out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from exporter.web.http import Body, Request, Response, sentence
from exporter.web.landing import CONTENT_SECURITY_POLICY, render
from exporter.web.pages import Pages, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.web.landing import Overview

MAX_NAMES = 100

NO_STORE = ("Cache-Control", "no-store")
NO_SNIFF = ("X-Content-Type-Options", "nosniff")
HEADERS = (NO_STORE, NO_SNIFF)
PAGE_HEADERS = (
    *HEADERS,
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Frame-Options", "deny"),
    ("Referrer-Policy", "no-referrer"),
)

_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")


def check_telemetry_path(path: str) -> str | None:
    """None when metrics can be served there, otherwise the sentence that says why not."""
    if not _PATH.fullmatch(path):
        return f'cannot serve metrics at "{path}": expected a path such as /metrics'
    if path.startswith("/-/"):
        return f'cannot serve metrics at "{path}": paths below /-/ are taken by health and reload'
    return None


@dataclass(frozen=True, slots=True)
class Routes:
    """The handler of the server.

    `scrape` takes an Accept header and the names asked for, and gives content type and body; while nothing
    changed, the same object as body, and never one that changes later. `healthy`, `ready` and `reload` give
    None when all is well, otherwise a sentence. `lifecycle` opens `/-/reload`.
    """

    scrape: Callable[[str, Sequence[str]], tuple[str, Body]]
    overview: Callable[[], Overview]
    healthy: Callable[[], str | None]
    ready: Callable[[], str | None]
    reload: Callable[[], str | None]
    telemetry_path: str = "/metrics"
    lifecycle: bool = False
    _pages: Pages = field(default_factory=lambda: Pages(HEADERS), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if problem := check_telemetry_path(self.telemetry_path):
            raise ValueError(problem)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        path = request.path
        if path == "/-/reload":
            return self._reload(request)
        if path not in (self.telemetry_path, "/", "/-/healthy", "/-/ready"):
            return _plain(404, f"not found: metrics are at {self.telemetry_path}, an overview is at /")
        if request.method not in ("GET", "HEAD"):
            return _plain(405, "method not allowed: expected GET or HEAD", ("Allow", "GET, HEAD"))
        if path == self.telemetry_path:
            return self._metrics(request)
        if path == "/":
            return self._landing(request)
        return (
            _verdict(self.healthy(), "healthy") if path == "/-/healthy" else _verdict(self.ready(), "ready")
        )

    def _metrics(self, request: Request) -> Response:
        try:
            asked = parse_qs(request.query, max_num_fields=MAX_NAMES) if request.query else {}
        except ValueError:
            return _plain(400, f"bad query: expected at most {MAX_NAMES} name[] parameters")
        names = asked.get("name[]", ())
        content_type, body = self.scrape(request.headers.get("accept", ""), names)
        gzip = _gzip_wanted_by(request)
        # What was made for a few names is no page that the next scrape could ask for again.
        if names:
            return answer(content_type, body, HEADERS, gzip=gzip)
        return self._pages.answer(content_type, body, gzip=gzip)

    def _landing(self, request: Request) -> Response:
        page = render(self.overview())
        return answer("text/html; charset=utf-8", page, PAGE_HEADERS, gzip=_gzip_wanted_by(request))

    def _reload(self, request: Request) -> Response:
        if request.method != "POST":
            return _plain(405, "method not allowed: reload with POST", ("Allow", "POST"))
        if not self.lifecycle:
            return _plain(
                403, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP"
            )
        problem = self.reload()
        return _plain(200, "reloaded") if problem is None else _plain(500, f"not reloaded: {problem}")


# A header of strangers, and every scraper's own: a few are worth remembering.
@lru_cache(maxsize=16)
def gzip_wanted(accept_encoding: str) -> bool:
    """Whether the client takes gzip; `q=0` is a refusal, and what names gzip goes before what says `*`."""
    wanted: dict[str, bool] = {}
    for entry in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        quality = next((each[2:].strip() for each in parameters if each.startswith("q=")), "1")
        wanted[coding] = not re.fullmatch(r"0(\.0*)?", quality)
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", False)))


def _gzip_wanted_by(request: Request) -> bool:
    return gzip_wanted(request.headers.get("accept-encoding", ""))


def _verdict(problem: str | None, word: str) -> Response:
    return _plain(200, word) if problem is None else _plain(503, f"not {word}: {problem}")


def _plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    return sentence(status, text, *HEADERS, *headers)
