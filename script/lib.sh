# shellcheck shell=bash
# What script/test, script/demo and .ci/run share: standing in the project's root, and fetching what is missing.
# Sourced, never run. Needs bash and a Rust toolchain; everything else is installed here or named in one line.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*" >&2; }

# The reason and the one line that helps go to stderr; the exit code is 1.
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Installs Debian packages as root or through a sudo that asks nothing; otherwise prints the line to run.
apt_install() {
    local as=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as=(sudo -n)
        else
            fail "missing: $*. Run:  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
        fi
    fi
    command -v apt-get >/dev/null || fail "missing: $*, and there is no apt-get here; install their equivalents by hand"
    say "installing $*"
    "${as[@]}" apt-get update -qq
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_rust() {
    command -v cargo >/dev/null || { [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"; }
    command -v cargo >/dev/null || fail "no cargo. Run:  curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y"
}

# rustup's minimal profile leaves these two out.
need_rust_component() {
    cargo "$1" --version >/dev/null 2>&1 || rustup component add "$2" || fail "no cargo $1. Run:  rustup component add $2"
}

# SQLite and ring are compiled from C.
need_c_compiler() {
    command -v cc >/dev/null && printf 'int main(void){return 0;}' | cc -x c - -o /dev/null 2>/dev/null && return
    apt_install gcc libc6-dev
}

# Only the programs: tests start a server of their own in a temporary folder, on a free port or a socket.
need_postgres() {
    find_postgres && return
    apt_install postgresql
    find_postgres || fail "initdb and postgres are still not found under /usr/lib/postgresql/*/bin"
}

# Puts the newest installed server programs on PATH.
find_postgres() {
    command -v initdb >/dev/null && command -v postgres >/dev/null && return
    local found
    found=$(find /usr/lib/postgresql -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] && export PATH="$PATH:${found%/initdb}"
}

need_rust
