"""Panels in Grafana's classic schema: each has a question, a unit, and words for having nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from grafana.source.look import GOOD, PLAIN, Json, steps

SOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
NOTHING: Final = "nothing to show"


def target(expr: str, legend: str = "", *, instant: bool = False, form: str = "time_series") -> Json:
    """One query; the panel gives it its letter."""
    return {
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": form,
    }


def panel(kind: str, title: str, question: str, targets: Sequence[Json], **settings: Any) -> Json:
    """A panel of any kind; `defaults` is what a kind says of its fields, `overrides` what differs."""
    defaults: Json = {
        "unit": settings.get("unit", "short"),
        "noValue": settings.get("empty", NOTHING),
        "mappings": settings.get("mappings", []),
        "thresholds": settings.get("thresholds", steps(settings.get("colour", PLAIN))),
        "color": settings.get("color", {"mode": "thresholds"}),
        "custom": settings.get("custom", {}),
    }
    defaults |= {key: settings[key] for key in ("decimals", "min", "max") if key in settings}
    built: Json = {
        "type": kind,
        "title": title,
        "description": question,
        "datasource": SOURCE,
        "targets": [{**each, "refId": chr(ord("A") + at)} for at, each in enumerate(targets)],
        "fieldConfig": {"defaults": defaults, "overrides": settings.get("overrides", [])},
        "options": settings.get("options", {}),
    }
    if "interval" in settings:
        built["interval"] = settings["interval"]
    if "transformations" in settings:
        built["transformations"] = settings["transformations"]
    return built


def stat(title: str, question: str, *targets: Json, **settings: Any) -> Json:
    """One number, or one for each series: coloured by its thresholds."""
    options: Json = {
        "colorMode": settings.get("fill", "value"),
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": settings.get("orientation", "auto"),
        "textMode": settings.get("text", "auto"),
        "wideLayout": settings.get("wide", True),
        "reduceOptions": {"calcs": [settings.get("calc", "lastNotNull")], "fields": "", "values": False},
    }
    options["text"] = {"titleSize": 13, "valueSize": settings.get("size", 26)}
    return panel("stat", title, question, targets, options=options, **settings)


def lines(title: str, question: str, *targets: Json, **settings: Any) -> Json:
    """Values over time. Gaps stay gaps: there we did not know."""
    bars = settings.get("bars", False)
    stacked = settings.get("stack", False)
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "stepAfter" if settings.get("stairs", False) else "linear",
        "lineWidth": 0 if bars else 1,
        "fillOpacity": 70 if bars else 30 if stacked else settings.get("area", 0),
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": False,
        "axisSoftMax": settings.get("soft_max"),
        "scaleDistribution": {"type": "log", "log": 10} if settings.get("logarithmic") else None,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": settings.get("bands", "off")},
        "axisLabel": settings.get("axis", ""),
    }
    custom = {key: value for key, value in custom.items() if value is not None}
    table = settings.get("calcs", [])
    options: Json = {
        "legend": {
            "displayMode": "table" if table else "list",
            "placement": settings.get("place", "bottom"),
            "showLegend": True,
            "calcs": table,
            **({"sortBy": "Last *", "sortDesc": True} if table else {}),
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    if bars:
        # A bar counts what its own time brought: no narrower than a window that scraping allows.
        settings.setdefault("interval", "1m")
    colour = settings.pop("color", {"mode": "palette-classic"})
    thresholds = settings.pop("thresholds", steps(GOOD))
    return panel(
        "timeseries",
        title,
        question,
        targets,
        custom=custom,
        options=options,
        color=colour,
        thresholds=thresholds,
        **settings,
    )


def bars(title: str, question: str, *targets: Json, **settings: Any) -> Json:
    """Values now, side by side, the largest first if asked for; from 0, unless they may lie below it."""
    if not settings.pop("signed", False):
        settings.setdefault("min", 0)
    options: Json = {
        "displayMode": "basic",
        "orientation": settings.get("orientation", "horizontal"),
        "showUnfilled": False,
        "valueMode": "text",
        "minVizHeight": 16,
        "maxVizHeight": 32,
        "namePlacement": "left",
        "sizing": "manual",
        "text": {"titleSize": 12, "valueSize": 14},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return panel("bargauge", title, question, targets, options=options, **settings)


def table(title: str, question: str, *targets: Json, sort: str, down: bool = True, **settings: Any) -> Json:
    """Instant queries, merged by their labels and sorted by a column; `names` says how columns are called."""
    columns: dict[str, str] = settings["names"]
    hidden = {"Time": True, **dict.fromkeys(settings.get("without", ()), True)}
    order = {name: at for at, name in enumerate(columns)}
    transformations: list[Json] = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {"excludeByName": hidden, "indexByName": order, "renameByName": columns},
        },
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": sort, "desc": down}]}},
    ]
    options: Json = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "fields": ""},
        "sortBy": [{"displayName": sort, "desc": down}],
    }
    custom: Json = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "minWidth": 104}
    ready = [{**each, "instant": True, "range": False, "format": "table"} for each in targets]
    return panel(
        "table",
        title,
        question,
        ready,
        custom=custom,
        options=options,
        transformations=transformations,
        **settings,
    )


def timeline(title: str, question: str, *targets: Json, **settings: Any) -> Json:
    """Which state was when: one band for each series."""
    options: Json = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.82,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    custom: Json = {"fillOpacity": 75, "lineWidth": 0, "spanNulls": False}
    return panel("state-timeline", title, question, targets, custom=custom, options=options, **settings)


def heatmap(title: str, question: str, expr: str, **settings: Any) -> Json:
    """How many fell into which bucket of a histogram, over time."""
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 32, "exponent": 0.5, "reverse": False},
        "yAxis": {"axisPlacement": "left", "unit": settings["unit"]},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": False},
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        "showValue": "never",
    }
    return panel(
        "heatmap", title, question, [target(expr, "{{le}}", form="heatmap")], options=options, **settings
    )


def alerts(title: str, question: str) -> Json:
    """What is pending or firing, the gravest first, among the alerts that Prometheus knows."""
    options: Json = {
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 20,
        "sortOrder": 3,
        "dashboardAlerts": False,
        "alertName": "Exchange",
        "alertInstanceLabelFilter": "",
        "datasource": "${datasource}",
        "stateFilter": {"firing": True, "pending": True, "noData": False, "normal": False, "error": True},
    }
    built = panel("alertlist", title, question, [], options=options)
    return {key: value for key, value in built.items() if key not in ("targets", "fieldConfig")}
