#!/bin/sh
# All checks and all tests, with one total at the end. Every part runs even if an earlier one fails.
set -u
BIN=.venv/bin
failed=0

step() {
    name=$1
    shift
    began=$(date +%s)
    if "$@"; then word=passed; else word=FAILED; failed=$((failed + 1)); fi
    printf '== %-12s %s in %s s\n' "$name" "$word" "$(($(date +%s) - began))"
}

step format "$BIN/ruff" format --check .
step lint "$BIN/ruff" check .
step types "$BIN/mypy"
step layers "$BIN/lint-imports"
step tests "$BIN/python" -m pytest tests --durations 15

if [ "$failed" -gt 0 ]; then
    echo "$failed of the 5 steps failed" >&2
    exit 1
fi
echo "all 5 steps passed"
