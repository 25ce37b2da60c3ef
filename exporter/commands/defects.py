"""What a demo can be asked to have go wrong in the exporter itself: no exchange could make these alerts fire.

All of it is wrapped around the program's own parts, which know nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from exporter.config.types import Account, StreamSettings
from exporter.demo.script import Defect
from exporter.exposition.health import StreamShape
from exporter.follow import Followed, Workshop
from exporter.stream.means import Connect, Link
from exporter.stream.transport import Abort

UNSHOWN: Final = "demo-bitopro"
"""The account that cannot be shown."""
DIES: Final = "demo-lender"
"""The account whose thread dies."""


class Defects:
    """The defects of one demo. They begin when they are told to; that of a session when its line breaks."""

    def __init__(self, wanted: Iterable[Defect]) -> None:
        self._wanted = frozenset(wanted)
        self._begun = False

    def begin(self) -> None:
        """From now on."""
        self._begun = True

    def dying(self, connect: Connect) -> Connect:
        """A way to connect at whose second use the thread dies, should a session be wanted to."""
        return _Dying(connect) if "session" in self._wanted else connect

    def has_begun(self, defect: Defect) -> bool:
        """Whether something is wrong now."""
        return self._begun and defect in self._wanted

    def equip(self, settings: StreamSettings) -> Workshop:
        """The workshop of a real process; with these defects, should there be any."""
        sound = Workshop.equip(settings)
        if not self._wanted:
            return sound
        return _Defective(sound.settings, sound.connect, sound.budget, defects=self)


@dataclass(frozen=True)
class _Defective(Workshop):
    defects: Defects = field(kw_only=True)

    def follow(self, account: Account) -> Followed:
        if account.name == DIES:
            return Workshop.follow(replace(self, connect=self.defects.dying(self.connect)), account)
        followed = super().follow(account)
        if account.name == UNSHOWN:
            shapes = _Shapes(followed.watched.shapes, self.defects)
            return followed._replace(watched=followed.watched._replace(shapes=shapes))
        return followed


class _Dying:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._uses = 0

    def __call__(self, url: str, headers: Mapping[str, str], *, abort: Abort) -> Link:
        self._uses += 1
        if self._uses == 2:  # noqa: PLR2004 - the first one after a line broke
            # Whatever is an Exception a session survives.
            raise SystemExit("made up by the incident session-dies")
        return self._connect(url, headers, abort=abort)


class _Shapes(Mapping[str, StreamShape]):
    """What an account's streams look like, which cannot be told any more once the defect has begun."""

    def __init__(self, shapes: Mapping[str, StreamShape], defects: Defects) -> None:
        self._shapes = shapes
        self._defects = defects

    def __getitem__(self, name: str) -> StreamShape:
        if self._defects.has_begun("account"):
            raise RuntimeError("made up by the incident account-unshown")
        return self._shapes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)
