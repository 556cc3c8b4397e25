# syntax=docker/dockerfile:1
# Two stages: the toolchain builds, a slim Debian runs. The binary needs libc and libgcc_s only: SQLite is compiled in,
# TLS is rustls with its own list of authorities, migrations and the status page are embedded.

FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY . .
# The caches live in the builder, not in an image layer; so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin funding-arb \
    && cp target/release/funding-arb /usr/local/bin/funding-arb

FROM debian:bookworm-slim AS runtime
# A number, so that an orchestrator can see that it is not root; nobody logs in, so there is no entry in /etc/passwd.
# On Fly a fresh volume belongs to root: docs/runbook.md has the one line that hands it over.
RUN mkdir /data && chown 10001:10001 /data
COPY --from=builder /usr/local/bin/funding-arb /usr/local/bin/funding-arb
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV FUNDING_ARB__DATA_DIR=/data
EXPOSE 8080
# Drains, releases the lease, exits 0. Give it 45 s: `docker stop --time 45`, `kill_timeout` in fly.toml.
STOPSIGNAL SIGTERM
CMD ["funding-arb", "run"]
