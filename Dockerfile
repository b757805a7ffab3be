# Equibid on a CPU. Build: docker build -t equibid .
# Run in the current folder:
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" equibid demo

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/equibid
WORKDIR /build
# The libraries first: they change less often than the package.
COPY requirements/run.txt requirements/run.txt
RUN /opt/equibid/bin/pip install --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/equibid/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Equibid" \
      org.opencontainers.image.description="Auto-bidding in real-time ad auctions" \
      org.opencontainers.image.source="https://github.com/equibid/equibid" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/equibid /opt/equibid
# Compiled programs are kept in /cache. Any user may write there and in /work, because --user may
# name one that has no home.
ENV PATH=/opt/equibid/bin:$PATH \
    XDG_CACHE_HOME=/cache \
    NUMBA_CACHE_DIR=/cache/numba
RUN useradd --create-home --uid 1000 equibid \
 && mkdir --mode=1777 /cache /work
USER equibid
WORKDIR /work
ENTRYPOINT ["equibid"]
CMD ["--help"]
