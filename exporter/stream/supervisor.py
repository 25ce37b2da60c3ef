"""Threads of all sessions: started, watched, replaced when one dies, and stopped together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from exporter.logs import log
from exporter.stream.session import Session

logger: Final = logging.getLogger(__name__)
RESTART_INTERVAL: Final = 60.0
"""A session that dies at once must not be restarted in a loop; seconds between two restarts."""
STOP_SECONDS: Final = 1.0


class Supervisor:
    """Owns one thread per session. Its methods are for the main thread, save `problem`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        stuck_after: Callable[[], float],
        restarted: Callable[[tuple[str, str, str]], None],
    ) -> None:
        self._clock = clock
        self._stuck_after = stuck_after
        self._restarted = restarted
        self._threads: dict[Session, threading.Thread] = {}
        self._restarts: dict[Session, float] = {}

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions that should be running."""
        return tuple(self._threads)

    def start(self, sessions: Iterable[Session]) -> None:
        """Start a thread for each session."""
        for session in sessions:
            # Daemons, since a resolver that hangs in the C library must not hold the exit.
            name = "session:" + "/".join(session.key)
            thread = threading.Thread(target=session.run, name=name, daemon=True)
            # Known only once it runs: whoever asks for problems meanwhile must not find it dead.
            thread.start()
            self._threads[session] = thread

    def stop(self, sessions: Iterable[Session] | None = None) -> None:
        """Stop these sessions, or all, within one shared deadline."""
        chosen = list(self._threads if sessions is None else sessions)
        # Forgotten first: a session that ends because it should is no problem.
        threads = [self._threads.pop(session) for session in chosen]
        for session in chosen:
            session.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log(logger, logging.WARNING, "session did not stop in time", thread=thread.name)

    def check(self) -> None:
        """Replace threads that died; called once a second."""
        now = self._clock()
        for session, thread in tuple(self._threads.items()):
            due = now - self._restarts.get(session, float("-inf")) >= RESTART_INTERVAL
            if thread.is_alive() or not due:
                continue
            self._restarts[session] = now
            self._restarted(session.key)
            log(logger, logging.ERROR, "session died and is started again", thread=thread.name)
            self.start((session,))

    def problem(self) -> str | None:
        """A sentence when a session is dead or stuck, else None. An exchange being down is no problem."""
        now = self._clock()
        # A copy: the main thread may start and stop sessions meanwhile.
        for session, thread in tuple(self._threads.items()):
            if not thread.is_alive():
                return f"session {'/'.join(session.key)} is not running"
            if now - session.looped.monotonic > self._stuck_after():
                return f"session {'/'.join(session.key)} is stuck"
        return None
