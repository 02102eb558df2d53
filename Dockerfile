# The image of a run: its dependencies, and no code of this project, because each run pulls that from S3.
#
#   docker build --tag pokelake:$(pokelake image-tag) .
#
# With `--build-arg LOCK=cluster` it has Dask and Ray as well, for runs whose tasks work on a cluster, and for its workers.
FROM python:3.11.14-slim-bookworm AS dependencies
ARG LOCK=run
COPY requirements-${LOCK}.lock /build/requirements.lock
RUN python -m venv /opt/pokelake \
    && /opt/pokelake/bin/python -m pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes --no-deps --compile -r /build/requirements.lock

FROM python:3.11.14-slim-bookworm
RUN useradd --create-home --uid 1000 pokelake \
    && install --directory --owner pokelake --group pokelake /home/pokelake/run /home/pokelake/.prefect
COPY --from=dependencies /opt/pokelake /opt/pokelake
USER pokelake
WORKDIR /home/pokelake/run
# A run without an address of Prefect's API must fail, and not start a server of its own that nobody sees.
ENV PATH=/opt/pokelake/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PREFECT_HOME=/home/pokelake/.prefect \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false
