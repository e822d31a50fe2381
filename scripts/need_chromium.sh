#!/bin/sh
# A Chromium for the browser tests: the one that is there, or Debian's when we may install it. Its headless shell, where
# it can be had, runs most of them at a third of the processor time.
set -eu

has() {
    for name in "$@"; do
        if command -v "$name" > /dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1 && ! has chromium-headless-shell; then
    apt-get update -qq || true
    for package in chromium chromium-headless-shell; do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" > /dev/null || true
    done
fi

if ! has chromium chromium-browser google-chrome; then
    echo "The browser tests need Chromium: install it (Debian: apt-get install chromium) and run make test again" >&2
    exit 1
fi
