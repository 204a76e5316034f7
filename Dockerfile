# syntax=docker/dockerfile:1
# Built from a checkout: docker build --tag reconciler .
# With a database as store: docker build --build-arg LOCK=run-postgres --tag reconciler .

FROM python:3.13.7-slim-bookworm AS build
ARG LOCK="run"
WORKDIR /source
COPY pyproject.toml README.md LICENSE hatch_build.py waterfall_reconciler.py ./
COPY reconciler reconciler
# What the lock names, held to its hashes; nothing is resolved anew. What builds stays behind in this stage.
RUN python -I -m venv /opt/build \
 && /opt/build/bin/python -I -m pip install --no-cache-dir --disable-pip-version-check \
      --require-hashes --only-binary :all: --requirement reconciler/requirements/build.txt \
 && /opt/build/bin/python -I -m pip wheel --no-cache-dir --disable-pip-version-check \
      --no-deps --no-build-isolation --wheel-dir /wheel . \
 && python -I -m venv /opt/reconciler \
 && /opt/reconciler/bin/python -I -m pip install --no-cache-dir --disable-pip-version-check \
      --require-hashes --only-binary :all: --requirement "reconciler/requirements/${LOCK}.txt" \
 && /opt/reconciler/bin/python -I -m pip install --no-cache-dir --disable-pip-version-check \
      --no-deps --no-index /wheel/*.whl

FROM python:3.13.7-slim-bookworm
# git: the ledger is committed by `reconciler ci ledger`. Debian keeps no earlier versions that one could pin.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home reconciler \
 && git config --system --add safe.directory /work
COPY --from=build /opt/reconciler /opt/reconciler
# For whichever user `docker run --user` names: a home that anyone may write to, as Docker gives such a user `/`. Git takes the
# mounted folder though another user owns it.
ENV PATH="/opt/reconciler/bin:$PATH" HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
USER 10001
WORKDIR /work
ENTRYPOINT ["reconciler"]
CMD ["--help"]
