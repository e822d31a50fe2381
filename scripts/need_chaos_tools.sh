#!/bin/sh
# What the durability proofs use beside Python: strace and libfaketime, Debian's where we may install them.
# Without them the proofs that need them say so in their table and do not fail.
set -u

missing=""
command -v strace > /dev/null 2>&1 || missing="$missing strace"
command -v faketime > /dev/null 2>&1 || missing="$missing faketime"
command -v ip > /dev/null 2>&1 || missing="$missing iproute2"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then
    # shellcheck disable=SC2086 - one word a package
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null; } ||
        echo "could not install:$missing" >&2
else
    echo "not here, and not allowed to install:$missing" >&2
fi
exit 0
