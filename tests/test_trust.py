"""The one TLS context for venues: made once, under any number of threads, and out of reach of others."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Final

import pytest

from exporter import trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THREADS: Final = 8
PATIENCE: Final = 20.0


@pytest.fixture(autouse=True)
def _nothing_read_yet() -> Iterator[None]:
    trust.forget()
    yield
    trust.forget()


def test_it_checks_certificates_and_names() -> None:
    """A venue must show a good certificate of its own name."""
    context = trust.venues()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_threads_that_ask_at_once_share_it() -> None:
    """Streams that connect at the same moment get the same context."""
    made: list[ssl.SSLContext] = []
    together = threading.Barrier(THREADS)

    def ask() -> None:
        together.wait(PATIENCE)
        made.append(trust.venues())

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(made) == THREADS
    assert len(set(made)) == 1


def test_it_is_read_anew_when_told_to() -> None:
    """After a change of settings the machine's certificates are read again."""
    before = trust.venues()
    assert trust.venues() is before
    trust.forget()
    assert trust.venues() is not before


def test_a_library_cannot_change_it_under_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What urllib3 sets at every connection is not set while another thread may be connecting."""
    told: list[list[str]] = []

    def tell(_self: ssl.SSLContext, protocols: list[str]) -> None:
        told.append(protocols)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", tell)
    trust.venues().set_alpn_protocols(["h2"])
    assert told == [["http/1.1"]]


def test_the_environment_cannot_log_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSLKEYLOGFILE alone must not be enough to read an API key off the wire, of a REST read neither."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert trust.venues().keylog_filename is None
