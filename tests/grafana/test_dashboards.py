"""The committed dashboards are what their source makes, and keep the rules of a good dashboard."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Protocol

import promql_parser
import pytest
import yaml

from exporter.exposition.catalogue import BY_NAME
from grafana.source.__main__ import dashboards
from grafana.source.board import BOARDS
from grafana.source.query import RULES, labels_of, series

PROMETHEUS_OWN: Final = frozenset(
    (
        *("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"),
        *("process_start_time_seconds", "scrape_duration_seconds", "scrape_samples_scraped"),
    )
)
"""Metrics of the process and of Prometheus itself."""
TARGET_LABELS: Final = frozenset(("job", "instance"))
NARROW: Final = ("$job", "$instance")
TELLS: Final = {
    "connecting": 1,
    "authenticating": 2,
    "syncing": 3,
    "live": 4,
    "stale": 5,
    "backoff": 6,
    "maintenance": 7,
    "stopped": 8,
}


class Query(Protocol):
    """What conftest makes of a query."""

    board: str
    where: str
    expr: str
    selectors: Sequence[tuple[str, Mapping[str, str]]]
    grouping: frozenset[str]
    made: frozenset[str]


class Board(Protocol):
    """What conftest makes of a dashboard."""

    name: str
    json: Mapping[str, Any]
    panels: Sequence[Mapping[str, Any]]
    queries: Sequence[Query]


def concrete(expr: str) -> str:
    """The query with Grafana's variables filled in."""
    times = {"$__rate_interval": "1m", "$__range": "1h"}
    for name, value in times.items():
        expr = expr.replace(name, value)
    return re.sub(r"\$(job|instance|exchange|account|currency)\b", ".+", expr)


def family(name: str) -> str:
    """The metric that a sample belongs to."""
    return re.sub(r"_(bucket|sum|count)$", "", name) if name not in BY_NAME else name


def labels(name: str) -> frozenset[str]:
    """The labels that a series of this name can have."""
    if name in RULES:
        return frozenset(RULES[name]) | TARGET_LABELS
    if name in PROMETHEUS_OWN:
        return TARGET_LABELS
    buckets = ("le",) if name.endswith("_bucket") else ()
    return frozenset((*BY_NAME[family(name)].labels, *buckets)) | TARGET_LABELS


def test_the_dashboards_are_what_their_source_makes(folder: Path) -> None:
    """Each committed file is, byte for byte, what the generator writes, and none is left over."""
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == dashboards()


def test_the_generator_says_what_differs(repository: Path) -> None:
    """`--check` exits 0 on a clean tree."""
    command = [sys.executable, "-m", "grafana.source", "--check"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_metric_that_is_not_in_the_catalogue_stops_the_generator() -> None:
    """A renamed metric or label is found when the dashboards are built."""
    with pytest.raises(KeyError, match="exchange_no_such_metric"):
        series("no_such_metric")
    with pytest.raises(KeyError, match="exchange_wallet_balance has no label symbol"):
        series("wallet_balance", symbol="BTC/USD")
    assert labels_of("wallet_balance") == BY_NAME["exchange_wallet_balance"].labels


def test_there_is_one_dashboard_for_each_story(boards: Sequence[Board]) -> None:
    """Uids and titles are unique and stable; each links to all the others and keeps what was chosen."""
    assert {board.name for board in boards} == {name for name, _ in BOARDS}
    assert {board.json["uid"] for board in boards} == {f"exchange-exporter-{name}" for name, _ in BOARDS}
    assert len({board.json["title"] for board in boards}) == len(boards)
    for board in boards:
        urls = {link["url"] for link in board.json["links"]}
        assert urls == {f"/d/{other.json['uid']}" for other in boards if other.name != board.name}
        assert all(link["includeVars"] and link["keepTime"] for link in board.json["links"])


def test_a_dashboard_works_however_it_is_loaded(boards: Sequence[Board]) -> None:
    """Classic schema without inputs, read-only, refreshed no faster than it is scraped."""
    for board in boards:
        assert "__inputs" not in board.json
        assert 39 <= board.json["schemaVersion"] <= 41
        assert board.json["editable"] is False
        assert board.json["tags"] == ["exchange-exporter"]
        assert board.json["refresh"] == "30s"
        assert board.json["timezone"] == "browser"
        assert board.json["description"]


def test_variables_narrow_each_other_down(boards: Sequence[Board]) -> None:
    """Data source first, then job, instance, exchange, account; each query depends on those before it."""
    for board in boards:
        source, *others = board.json["templating"]["list"]
        assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
        names = [variable["name"] for variable in others]
        assert names in (
            ["job", "instance", "exchange", "account"],
            ["job", "instance", "exchange", "account", "currency"],
        )
        for at, variable in enumerate(others):
            assert variable["multi"]
            assert variable["includeAll"]
            assert variable["allValue"] == ".+"
            assert variable["refresh"] == 2
            assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            query = variable["query"]["query"]
            known = [name for name in names[:at] if not (name == "exchange" and "exchange" not in query)]
            assert all(f'{name}=~"${name}"' in query for name in known), query


def test_panels_have_a_question_and_tell_when_there_is_nothing(boards: Sequence[Board]) -> None:
    """Title, a question as description, the data source variable, a unit, and words for no value."""
    for board in boards:
        titles = [panel["title"] for panel in board.panels]
        assert len(set(titles)) == len(titles)
        for panel in board.panels:
            where = f"{board.name}: {panel['title']}"
            assert panel["title"], where
            assert "?" in panel["description"], where
            assert panel["datasource"]["uid"] == "${datasource}", where
            if panel["type"] == "alertlist":
                continue
            defaults = panel["fieldConfig"]["defaults"]
            assert panel["targets"], where
            assert defaults["unit"], where
            assert defaults["noValue"] or panel["type"] == "table", where
            assert all(each["datasource"]["uid"] == "${datasource}" for each in panel["targets"]), where
            assert len({each["refId"] for each in panel["targets"]}) == len(panel["targets"]), where


def test_graphs_leave_gaps_and_name_their_series(boards: Sequence[Board]) -> None:
    """A gap is a time when nothing was known; every series has a name that says whose it is."""
    for board in boards:
        for panel in board.panels:
            if panel["type"] not in ("timeseries", "state-timeline"):
                continue
            assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
            for target in panel["targets"]:
                assert target["legendFormat"] != "__auto", panel["title"]


def test_tables_are_sorted(boards: Sequence[Board]) -> None:
    """Each table has one order, by a column that it shows."""
    tables = [panel for board in boards for panel in board.panels if panel["type"] == "table"]
    assert tables
    for panel in tables:
        (merge, organize, sort) = panel["transformations"]
        assert (merge["id"], organize["id"], sort["id"]) == ("merge", "organize", "sortBy")
        shown = set(organize["options"]["renameByName"].values())
        assert panel["options"]["sortBy"][0]["displayName"] in shown
        assert {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]} <= shown


def test_the_grid_is_full_and_nothing_overlaps(boards: Sequence[Board]) -> None:
    """Ids are unique, panels do not overlap, and each line fills all 24 columns."""
    for board in boards:
        panels = board.json["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        places = [panel["gridPos"] for panel in panels]
        for one, two in combinations(places, 2):
            beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
            above = one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
            assert beside or above, (board.name, one, two)
        for y in {place["y"] for place in places}:
            line = [place for place in places if place["y"] == y]
            assert sum(place["w"] for place in line) == 24, (board.name, y)
            assert len({place["h"] for place in line}) == 1, (board.name, y)


def test_the_banner_stands_on_top_of_each(boards: Sequence[Board]) -> None:
    """The first panel says over the whole width whether to believe the page, in red when nobody answers."""
    for board in boards:
        banner = board.json["panels"][0]
        assert banner["gridPos"] | {"h": 0} == {"x": 0, "y": 0, "w": 24, "h": 0}
        defaults = banner["fieldConfig"]["defaults"]
        assert defaults["noValue"] == "No exporter answers: nothing on this page is current"
        assert defaults["thresholds"]["steps"][0]["color"] == "red"
        assert "exchange_stream_expected" in banner["targets"][0]["expr"]


def test_annotations_mark_what_explains_a_step(boards: Sequence[Board]) -> None:
    """Withdrawals, deposits, maintenance and reconnects can be shown on every dashboard."""
    for board in boards:
        marks = board.json["annotations"]["list"]
        assert [mark["name"] for mark in marks] == ["Withdrawals", "Deposits", "Maintenance", "Reconnects"]
        assert all(mark["datasource"]["uid"] == "${datasource}" for mark in marks)


def test_queries_parse_with_a_grammar_of_prometheus_3(queries: Sequence[Query]) -> None:
    """A parser that follows Prometheus 3 reads every query, not only Debian's older one."""
    for query in queries:
        assert promql_parser.parse(concrete(query.expr)) is not None, query


def test_queries_parse(
    queries: Sequence[Query], promtool: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Prometheus itself reads every query."""
    rules = [{"record": f"query:{at}", "expr": concrete(query.expr)} for at, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(queries)} rules found" in done.stdout


def test_queries_name_only_what_there_is(queries: Sequence[Query], recorded: frozenset[str]) -> None:
    """Metrics come from the catalogue, the rules or Prometheus; their labels are those that they have."""
    for query in queries:
        assert query.selectors, query
        known: set[str] = set(query.made)
        for name, matchers in query.selectors:
            if not name:
                assert matchers["__name__"] == "exchange_.+", query
                known |= TARGET_LABELS | {"__name__"}
                continue
            assert name in recorded or name in PROMETHEUS_OWN or family(name) in BY_NAME, f"{name}: {query}"
            assert set(matchers) <= labels(name), f"{name}: {query}"
            known |= labels(name)
        assert query.grouping <= known, f"{query.grouping - known}: {query}"


def test_each_recorded_rule_that_is_read_exists(recorded: frozenset[str]) -> None:
    """The generator's list of recorded rules holds no name that prometheus/rules does not record."""
    assert set(RULES) <= recorded


def test_queries_keep_to_the_chosen_target(queries: Sequence[Query]) -> None:
    """Each series is chosen by job and instance, and by exchange and account if it has them."""
    for query in queries:
        for name, matchers in query.selectors:
            have = labels(name) if name else TARGET_LABELS
            if name not in RULES:
                assert (matchers["job"], matchers["instance"]) == NARROW, query
            for label in {"exchange", "account"} & have:
                assert matchers[label] in (f"${label}", f"${label}|"), query


def test_counters_are_read_as_changes_over_a_fitting_window(queries: Sequence[Query]) -> None:
    """A counter stands only in rate or increase, over a window that fits scrape, page, REST or day."""
    windows = r"(?:\$__rate_interval|\$__range|15m|1d)"
    for query in queries:
        for name, _ in query.selectors:
            counted = name.endswith(("_total", "_bucket"))
            if counted:
                inside = rf"(?:rate|increase)\({re.escape(name)}\{{[^}}]*\}}\[{windows}\]\)"
                assert len(re.findall(inside, query.expr)) == query.expr.count(f"{name}{{"), query
        assert query.expr.count("rate(") == len(
            re.findall(r"rate\([^\[]*\[(?:\$__rate_interval|15m)\]", query.expr)
        )


def test_the_states_of_the_timeline_are_those_that_streams_have(boards: Sequence[Board]) -> None:
    """Each state has its number in the query, and its word and colour in the mapping."""
    (panel,) = (panel for board in boards for panel in board.panels if panel["type"] == "state-timeline")
    numbered = re.findall(r'state="(\w+)"\} \* (\d)', panel["targets"][0]["expr"])
    assert {state: int(number) for state, number in numbered} == TELLS
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert {option["text"]: int(number) for number, option in mapping["options"].items()} == TELLS


def test_provisioning_finds_the_dashboards(repository: Path) -> None:
    """The file provider points at the folder that the image carries, and lets nobody edit."""
    path = repository / "grafana/provisioning/dashboards/exporter.yaml"
    (provider,) = yaml.safe_load(path.read_text())["providers"]
    assert provider["options"]["path"].endswith("/grafana/dashboards")
    assert provider["allowUiUpdates"] is False
