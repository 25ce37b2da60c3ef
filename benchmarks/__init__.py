"""Measures the project against its peers and limits; see docs/performance.md."""
