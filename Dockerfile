# syntax=docker/dockerfile:1
# Builder and runtime share one base, so that the virtual environment finds its interpreter.
ARG PYTHON_IMAGE=python:3.13-slim

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS builder
WORKDIR /src
RUN python -m venv /opt/venv
# Dependencies change seldom: a layer of their own, from the lock file with its hashes.
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN /opt/venv/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements/runtime.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
# Bytecode is made here, since nothing is writable later. pip and its like stay behind.
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir=/tmp/wheel . \
 && /opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps --no-index /tmp/wheel/*.whl \
 && /opt/venv/bin/pip uninstall --yes pip \
 && python -m compileall -q --invalidation-mode=unchecked-hash /opt/venv/lib

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="exchange-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the private account streams of crypto exchanges" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=builder /opt/venv /opt/venv
COPY LICENSE config.yaml /usr/share/exchange-exporter/
COPY grafana /usr/share/exchange-exporter/grafana
COPY prometheus /usr/share/exchange-exporter/prometheus
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1
WORKDIR /
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 19700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["python", "-m", "exporter.commands.healthcheck"]
ENTRYPOINT ["exchange-exporter"]
CMD ["run", "--config.file=/etc/exchange-exporter/config.yaml", "--web.listen-address=0.0.0.0:19700"]
