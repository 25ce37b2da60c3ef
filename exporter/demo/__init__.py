"""A small simulated exchange world, so that the exporter can be seen and tested without keys or network."""
