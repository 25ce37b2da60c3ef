"""The landing page as text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from exporter.web.landing import (
    CONTENT_SECURITY_POLICY,
    AccountRow,
    EventLine,
    Overview,
    StreamRow,
    render,
)

STATES = (
    "connecting",
    "authenticating",
    "syncing",
    "live",
    "stale",
    "backoff",
    "maintenance",
    "refused",
    "stopped",
)
NOW = 1_800_000_000.0


def stream(
    state: str = "live",
    *,
    detail: str = "",
    last: float | None = NOW - 3,
    events: tuple[EventLine, ...] = (),
    connects: int = 3,
) -> StreamRow:
    """A stream that has been in its state for an hour and a half."""
    return StreamRow("account", state, state == "live", NOW - 5400, last, connects, detail, events)


def page(*streams: StreamRow, demo: bool = False, account: str = "main", key: str = "read only") -> str:
    """The page for one account with these streams."""
    accounts = (AccountRow(account, "bitfinex", 2, streams, key),) if streams else ()
    return render(Overview("1.2.3", demo, NOW, NOW - 90_000, "/metrics", accounts)).decode()


class Balance(HTMLParser):
    """Finds elements that are not closed in order."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it, and its attributes' names."""
        self.seen |= {tag, *(f"@{name}" for name, _ in attrs)}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It must be the one opened last."""
        assert self.open.pop() == tag


def test_page_is_well_formed_and_without_script() -> None:
    """Every element is closed in order; no script, no handler and no inline style is in it."""
    parser = Balance()
    parser.feed(
        page(*(stream(state, detail="x", events=(EventLine(NOW, "y"),)) for state in STATES), demo=True)
    )
    parser.close()
    assert parser.open == []
    assert not {"script", "img", "iframe", "form", "@style", "@onclick", "@src"} & parser.seen


def test_style_is_the_one_that_the_policy_names() -> None:
    """The digest in the policy is that of the style sheet in the page, or browsers would drop it."""
    found = re.search(r"<style>(.*?)</style>", page(), re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in CONTENT_SECURITY_POLICY


def test_state_is_said_in_words() -> None:
    """Each state has a chip with its word in it: colour is never the only sign."""
    text = page(*map(stream, STATES))
    for state in STATES:
        assert re.search(rf'<span class="chip (good|busy|warn|bad|calm)">{state}</span>', text)
    assert '<strong class="warn">1 of 9</strong> streams are up, 1 account watched.' in text
    assert "<title>(8 down) Exchange Exporter</title>" in text


def test_row_tells_the_stream() -> None:
    """A row has state, up, time in the state, age of the last message, and reconnects."""
    text = page(stream("backoff", detail="10100: apikey: invalid", connects=4))
    cells = dict(re.findall(r'<td data-name="([^"]+)">(.*?)</td>', text))
    assert cells == {
        "State": '<span class="chip warn">backoff</span>',
        "Up": '<strong class="bad">no</strong>',
        "In state for": "1 h 30 min",
        "Last message": "3 s ago",
        "Reconnects": "3",
    }
    assert '<p class="detail">10100: apikey: invalid</p>' in text
    assert "2 wallets" in text
    assert "Running for\n1 d 1 h." in text


def test_unknown_is_not_zero() -> None:
    """What is not known is said to be unknown."""
    row = AccountRow("a", "bitopro", None, (stream("connecting", last=None, connects=0),), "unknown")
    text = render(Overview("1", False, NOW, NOW, "/m", (row,))).decode()
    assert "wallets not known" in text
    assert "none yet" in text
    assert '<span class="chip calm">key: unknown</span>' in text
    assert '<td data-name="Reconnects">0</td>' in text


def test_newest_events_come_first_and_are_few() -> None:
    """The last five events are shown, newest first, with the date only when it is another day."""
    events = tuple(EventLine(NOW - 86_400 * age, f"event {age}") for age in range(7, -1, -1))
    text = page(stream(events=events))
    assert re.findall(r"event \d", text) == [f"event {age}" for age in range(5)]
    assert (
        '<time datetime="2027-01-15T08:00:00Z" title="2027-01-15 08:00:00 UTC">08:00:00</time> event 0'
        in text
    )
    assert ">2027-01-14 08:00:00 UTC</time> event 1" in text


def test_everything_from_outside_is_escaped() -> None:
    """No name, key, state, reason or sentence can become markup."""
    evil = "<script>\"'&"
    row = StreamRow(evil, evil, False, NOW, NOW, 1, evil, (EventLine(NOW, evil),))
    account = AccountRow(evil, evil, 1, (row,), evil)
    text = render(Overview(evil, True, NOW, NOW, f"/{evil}", (account,))).decode()
    assert "<script" not in text
    assert text.count("&lt;script&gt;&quot;&#x27;&amp;") == 11


def test_clocks_and_times_that_make_no_sense_do_no_harm() -> None:
    """A time in the future, before all time or not a number is shown as something harmless."""
    odd = (EventLine(float("nan"), "a"), EventLine(1e300, "b"), EventLine(-1e300, "c"))
    rows = [stream(last=NOW + 100, events=odd), stream(last=float("nan")), stream(last=-1e300)]
    text = page(*rows)
    assert text.count("at an unknown time") == 3
    assert "0 s ago" in text


def test_demo_says_so() -> None:
    """In demo mode a banner says that nothing is real; otherwise there is none."""
    assert "simulated on this machine" in page(demo=True)
    assert "banner" not in page().split("</style>")[1]


def test_no_accounts_is_said() -> None:
    """Without accounts the page says what to do."""
    assert "No accounts: nothing is watched." in page()
