"""Prometheus exporter for the private account streams of crypto exchanges."""

__version__ = "0.1.0"
