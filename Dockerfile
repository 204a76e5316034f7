# syntax=docker/dockerfile:1
# Built from a checkout: docker build --tag reconciler .
# With a database as store: docker build --build-arg EXTRAS='[policies,postgres]' --tag reconciler .

FROM python:3.13.7-slim-bookworm AS build
ARG EXTRAS="[policies]"
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY reconciler reconciler
RUN python -I -m venv /opt/reconciler \
 && /opt/reconciler/bin/python -I -m pip install --no-cache-dir --disable-pip-version-check ".${EXTRAS}"

FROM python:3.13.7-slim-bookworm
# git: the ledger is committed by `reconciler ci ledger`.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home reconciler
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH="/opt/reconciler/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
USER 10001
WORKDIR /work
ENTRYPOINT ["reconciler"]
CMD ["--help"]
