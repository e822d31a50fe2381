#!/bin/sh
# A Chromium for the browser tests: the one that is there, or Debian's when we may install it.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" > /dev/null 2>&1; then
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null
    exit 0
fi

echo "The browser tests need Chromium: install it (Debian: apt-get install chromium) and run make test again" >&2
exit 1
