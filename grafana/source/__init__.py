"""The source of the dashboards: `python -m grafana.source` writes grafana/dashboards from the catalogue."""
