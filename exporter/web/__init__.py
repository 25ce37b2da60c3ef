"""The web face of the exporter: server, routes, landing page, sign-in and TLS."""
