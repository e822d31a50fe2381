#!/bin/sh
# A second engine for a few browser tests: the Firefox that is there, or Debian's when we may install it.
set -eu

for name in firefox-esr firefox; do
    if command -v "$name" > /dev/null 2>&1; then
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then
    apt-get update -qq
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr > /dev/null; then
        exit 0
    fi
fi

echo "Tests in Firefox are skipped: it is not here, and only Debian's package manager, as root, can install it (firefox-esr)" >&2
