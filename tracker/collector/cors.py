"""Who may read our answers from another origin."""

from __future__ import annotations

_METHODS = "GET, POST, OPTIONS"
# What the clients add when they try again is as needed as what they send at first: without it no retry ever arrives.
_HEADERS = (
    "authorization, content-type, content-encoding, x-write-key, anonymousid, x-requested-with, sp-anonymous, "
    "sentat, x-umami-cache, x-retry-count, "
    "rsa-retry-attempt, rsa-retry-reason, rsa-since-last-attempt, rsa-since-first-attempt, rsa-recovered, rsa-write-key"
)


def answer_headers(origin: str) -> dict[str, str]:
    """For an answer to an allowed origin. The caller has checked that it is."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "X-Visitor, Retry-After, Tracker-Optout",
        "Vary": "Origin",
    }


def preflight_headers(origin: str) -> dict[str, str]:
    """For the answer to an OPTIONS request of an allowed origin."""
    return {
        **answer_headers(origin),
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": "7200",
    }
