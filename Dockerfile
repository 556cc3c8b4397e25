# syntax=docker/dockerfile:1
# Two stages: the toolchain builds; what runs is the binary and the four libraries of the C runtime it is linked to. SQLite is compiled in,
# TLS is rustls with its own list of authorities, migrations and the status page are embedded. There is no shell and no
# package to keep up to date; `docker exec CONTAINER funding-arb status` works all the same.

FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY . .
# The caches live in the builder, not in an image layer; so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin funding-arb \
    && cp target/release/funding-arb /usr/local/bin/funding-arb
# The loader and the libraries under the names by which the binary asks for them, and where names of hosts are looked up.
RUN mkdir -p /image/etc /image/tmp /owned/data \
    && chmod 1777 /image/tmp \
    && ldd /usr/local/bin/funding-arb > /tmp/linked \
    && grep -o '/[^ )]*' /tmp/linked | sort -u | xargs -I{} cp -L --parents {} /image \
    && cp --parents /usr/local/bin/funding-arb /image \
    && echo 'hosts: files dns' > /image/etc/nsswitch.conf

FROM scratch AS runtime
COPY --from=builder /image/ /
# A number, so that an orchestrator can see that it is not root; nobody logs in, so there is no /etc/passwd.
# On Fly a fresh volume belongs to root: docs/runbook.md has the one line that hands it over.
COPY --from=builder --chown=10001:10001 /owned/ /
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV PATH=/usr/local/bin FUNDING_ARB__DATA_DIR=/data
EXPOSE 8080
# Drains, releases the lease, exits 0. Give it 45 s: `docker stop --time 45`, `kill_timeout` in fly.toml.
STOPSIGNAL SIGTERM
CMD ["funding-arb", "run"]
