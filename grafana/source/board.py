"""A dashboard: variables, annotations, links, the banner, and panels on a grid of 24 columns."""

from __future__ import annotations

from typing import Final

from grafana.source.look import BAD, GOOD, PLAIN, SECOND, WARN, Json, steps
from grafana.source.panels import SOURCE, stat, target
from grafana.source.query import WINDOW, grown, now, series, total

COLUMNS: Final = 24
TAG: Final = "exchange-exporter"
BOARDS: Final = (
    ("overview", "Overview"),
    ("trading", "Trading and risk"),
    ("lending", "Lending"),
    ("movements", "Movements"),
    ("streams", "Streams"),
    ("exporter", "Exporter"),
)


class Board:
    """Panels flow from left to right; a new line begins where the last one is full."""

    def __init__(self, name: str, about: str, *, span: str = "now-6h", currency: str = "") -> None:
        """`currency` names a metric whose label fills a variable of that name."""
        self.name = name
        self._about = about
        self._span = span
        self._currency = currency
        self._panels: list[Json] = []
        self._x = self._y = self._height = 0
        self.add(banner(), width=COLUMNS, height=3)

    def add(self, panel: Json, *, width: int, height: int) -> None:
        """Put a panel beside the last one, or on a new line."""
        if self._x + width > COLUMNS:
            self._break()
        self._panels.append(
            {
                "id": len(self._panels) + 1,
                "gridPos": {"x": self._x, "y": self._y, "w": width, "h": height},
                **panel,
            }
        )
        self._x += width
        self._height = max(self._height, height)

    def line(self, height: int, *panels: tuple[int, Json]) -> None:
        """A line of panels of one height, each with its width; together they fill the grid."""
        widths = sum(width for width, _ in panels)
        if widths != COLUMNS:
            raise ValueError(f"{self.name}: a line is {widths} columns wide, expected {COLUMNS}")
        self._break()
        for width, panel in panels:
            self.add(panel, width=width, height=height)

    def row(self, title: str) -> None:
        """A heading over the lines that follow."""
        self._break()
        place = {"x": 0, "y": self._y, "w": COLUMNS, "h": 1}
        head: Json = {"type": "row", "title": title, "collapsed": False, "panels": []}
        self._panels.append({"id": len(self._panels) + 1, "gridPos": place, **head})
        self._y += 1

    def _break(self) -> None:
        self._x, self._y, self._height = 0, self._y + self._height, 0

    def json(self) -> Json:
        """The whole dashboard."""
        return {
            "uid": f"{TAG}-{self.name}",
            "title": f"Exchange accounts: {dict(BOARDS)[self.name]}",
            "description": self._about,
            "tags": [TAG],
            "schemaVersion": 39,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": self._span, "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "weekStart": "",
            "fiscalYearStartMonth": 0,
            "liveNow": False,
            "links": links(self.name),
            "annotations": {"list": marks(self.name)},
            "templating": {"list": variables(self._currency, show_target=self.name == "exporter")},
            "panels": self._panels,
        }


def banner() -> Json:
    """Whether to believe the page: red with a number of streams, or with words when nobody answers."""
    streams = "exchange, account, stream"
    # An exporter that died takes its series along, the expectation included: remember it for a while.
    expected = f"count(max by ({streams}) (last_over_time({series('stream_expected')}[15m])))"
    live = f"(sum(max by ({streams}) ({series('stream_up')})) or vector(0))"
    # By a bug of the exporter an account may have no series at all, for longer than that.
    unshown = f"count({now('exporter_collect_success')} == 0)"
    return stat(
        "Can I believe this page?",
        "Are all selected streams live? Values of one that is not stay for stream.stale_after, then they "
        "are withheld until its next complete set of snapshots.",
        target(f"({expected} - {live} > 0) or {unshown} or ({expected} - {live})", "streams"),
        unit="suffix: streams not live: what they carry is old or missing",
        mappings=[
            {
                "type": "value",
                "options": {
                    "0": {
                        "text": "All streams are live: what you see is true now",
                        "color": GOOD,
                        "index": 0,
                    },
                    "1": {
                        "text": "1 stream is not live: what it carries is old or missing",
                        "color": BAD,
                        "index": 1,
                    },
                },
            }
        ],
        thresholds=steps(BAD, (0, GOOD), (1, BAD)),
        empty="No exporter answers: nothing on this page is current",
        fill="background_solid",
        text="value",
        size=20,
        decimals=0,
    )


def links(name: str) -> list[Json]:
    """Links to the other dashboards, which keep the time range and the variables."""
    return [
        {
            "type": "link",
            "title": title,
            "url": f"/d/{TAG}-{other}",
            "tooltip": "",
            "icon": "dashboard",
            "tags": [],
            "asDropdown": False,
            "targetBlank": False,
            "includeVars": True,
            "keepTime": True,
        }
        for other, title in BOARDS
        if other != name
    ]


def marks(name: str) -> list[Json]:
    """What graphs are marked with: transfers where money is the matter, maintenance, reconnects on demand."""
    moved = "{{account}}: {{currency}}"
    operators = name in ("streams", "exporter")
    return [
        _annotation(
            "Withdrawals",
            BAD,
            f"{grown('wallet_debits_total', reason='withdrawal')} > 0",
            moved,
            on=not operators,
        ),
        _annotation(
            "Deposits",
            PLAIN,
            f"{grown('wallet_credits_total', reason='deposit')} > 0",
            moved,
            on=not operators,
        ),
        _annotation("Maintenance", SECOND, f"1 - {now('platform_operative')}", "{{exchange}}", on=True),
        _annotation(
            "Reconnects",
            WARN,
            f"{total(grown('stream_connects_total', WINDOW), 'exchange', 'account', 'stream')} > 0",
            "{{account}} {{stream}}",
            on=False,
        ),
    ]


def _annotation(name: str, colour: str, expr: str, text: str, *, on: bool) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": on,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": name,
        "textFormat": text,
        "tagKeys": "exchange,account",
        "useValueForTime": False,
    }


def variables(currency: str, *, show_target: bool) -> list[Json]:
    """What the page can be narrowed to; job and instance are seen only where the exporter is the matter."""
    source: Json = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "options": [],
        "current": {},
    }
    hide = 0 if show_target else 2
    build = "exchange_exporter_build_info"
    here = 'job=~"$job",instance=~"$instance"'
    whose = f'exchange_account_expected{{{here},exchange=~"$exchange"}}'
    found = [
        source,
        _variable("job", "Job", f"label_values({build}, job)", hide),
        _variable("instance", "Instance", f'label_values({build}{{job=~"$job"}}, instance)', hide),
        _variable("exchange", "Exchange", f"label_values(exchange_account_expected{{{here}}}, exchange)", 0),
        _variable("account", "Account", f"label_values({whose}, account)", 0),
    ]
    if currency:
        found.append(_variable("currency", "Currency", f"label_values({series(currency)}, currency)", 0))
    return found


def _variable(name: str, label: str, query: str, hide: int) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name, "qryType": 5},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
        "regex": "",
        "hide": hide,
        "skipUrlSync": False,
    }
