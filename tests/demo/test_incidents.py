"""The table of incidents: what it says can be played, and is what the page and the runbooks say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.incidents import BEGIN, INCIDENTS, scripts, settings
from exporter.demo.records import Event, Fault, Told
from exporter.demo.server import simulate
from exporter.demo.world import QUANTUM

START: Final = 1_700_000_000.0
EXCHANGES: Final = {account.name: account.exchange for account in ACCOUNTS}


def link(alert: str) -> str:
    """A link from the page of incidents to a runbook."""
    return f"[{alert}](runbooks/{alert}.md)"


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_can_be_played(name: str) -> None:
    """A minute of it passes without an error, on the clock, and on accounts of its exchange."""
    script = scripts([name])
    for exchange, steps in script.items():
        for step in steps:
            assert step.at % QUANTUM == step.every % QUANTUM == 0
            assert (
                isinstance(step.what, Event)
                or step.what.account is None
                or (EXCHANGES[step.what.account] == exchange)
            )
        venue = simulate([exchange], 1, START, 1.0, script)[exchange].venue
        venue.advance(START + 60.0)
        assert venue.violations == []


def test_an_incident_begins_after_some_calm_unless_it_was_always_so() -> None:
    """Steps count from the beginning of the incident, which is at the start for those that say so."""
    (dropped,) = scripts(["link-flapping"])["bitopro"]
    (closed,) = scripts(["stream-missing"])["bitopro"]
    assert (dropped.at, closed.at) == (BEGIN, 0.0)
    assert scripts(["link-flapping"], 3.0)["bitopro"][0].at == 3.0


@pytest.mark.parametrize(
    ("name", "comes_later"),
    [("link-flapping", True), ("exporter-ends", True), ("stream-missing", False), ("series-limit", False)],
)
def test_it_is_known_whether_calm_comes_first(name: str, comes_later: bool) -> None:  # noqa: FBT001 - a parameter
    """What holds from the start, or is a setting, begins at once: the log says so."""
    assert INCIDENTS[name].comes_later == comes_later


def test_incidents_of_one_exchange_are_played_together() -> None:
    """Each brings its steps, and its settings of the exporter."""
    names = ("withdrawal", "stream-silent", "session-stuck", "link-flapping")
    together = scripts(names)
    assert len(together["bitfinex"]) == sum(len(INCIDENTS[name].steps) for name in names[:3])
    assert settings(names) == {"stream.silence_timeout": 3600.0, "stream.connect_timeout": 900.0}


def test_a_name_that_is_not_known_is_an_error() -> None:
    """Nobody plays nothing by mistake."""
    with pytest.raises(KeyError):
        scripts(["earthquake"])


def test_nothing_happens_in_a_calm_demo() -> None:
    """With scripts that name no exchange, ten minutes pass without a dropped line, loss or maintenance."""
    for each in simulate(["bitfinex", "bitopro"], 1, START, 1.0, scripts(["calm"])).values():
        told = each.venue.world.advance(START + 600.0)
        assert told
        assert [happening for happening in told if happening.account is None] == []


def test_what_was_so_from_the_start_is_so_before_anybody_connects() -> None:
    """A stream that is not served refuses the first who asks."""
    venue = simulate(["bitopro"], 1, START, 1.0, scripts(["stream-missing"]))["bitopro"].venue
    venue.advance(START)
    assert venue.faults.closed == {"trades"}


def test_every_switch_that_is_set_is_there() -> None:
    """A fault that an exchange does not have would not be noticed before it is due."""
    for name, incident in INCIDENTS.items():
        venue = simulate([incident.exchange], 1, START, 1.0, {})[incident.exchange].venue
        for step in incident.steps:
            if isinstance(step.what, Told) and isinstance(step.what.value, Fault):
                assert hasattr(venue.faults, step.what.value.name), name


def test_the_page_of_incidents_is_what_the_table_says(repository: Path) -> None:
    """One line for each incident, in the order of the table."""
    rows = [
        f"| `{name}` | {each.story} | {', '.join(map(link, each.fires)) or 'nothing'} |"
        for name, each in INCIDENTS.items()
    ]
    page = (repository / "docs/demo-incidents.md").read_text()
    told = [line for line in page.splitlines() if re.match(r"\| [`\[]", line)]
    assert told == rows


def test_each_runbook_says_how_its_alert_can_be_tried(repository: Path) -> None:
    """By an incident that makes it fire."""
    for path in (repository / "docs/runbooks").glob("Exchange*.md"):
        (name,) = re.findall(
            r"^Try it: `exchange-exporter demo --incident ([\w-]+)`", path.read_text(), flags=re.MULTILINE
        )
        assert path.stem in INCIDENTS[name].fires, path.name
