"""Logs: one JSON object a line on stderr, or readable lines on a terminal. No payloads, no tokens, no addresses.

`redact` is the last line of defence, not a licence: callers log counts, names of things and reasons, never what
people sent.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = frozenset(
    {"token", "authorization", "password", "secret", "cookie", "admin_token", "email", "phone", "write_key", "ip"}
)
_SECRETS = (
    re.compile(r"[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}"),  # e-mail addresses
    re.compile(r"(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),  # credentials of a header
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),  # user:password of a URL
    re.compile(r"(?<![\w.+-])\+\d[\d ().-]{7,18}\d"),  # phone numbers with a country code
)
GONE = "[redacted]"


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank values under secret names, and addresses and credentials inside any text (structlog processor)."""
    for key, value in event.items():
        event[key] = GONE if key.lower() in _SECRET_KEYS else _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        for pattern in _SECRETS:
            value = pattern.sub(GONE, value)
        return value
    if isinstance(value, Mapping):
        return {key: GONE if str(key).lower() in _SECRET_KEYS else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def configure(*, level: str = "auto", form: str = "auto", role: str = "") -> None:
    """Set up logging of this process.

    `level`: debug, info, warning, error, or auto (warning on a terminal, where lines for a person should stand out,
    else info). `form`: json, console, or auto (console on a terminal, else json).
    """
    terminal = sys.stderr.isatty()
    if level == "auto":
        level = "warning" if terminal else "info"
    render: Any = structlog.processors.JSONRenderer()
    if form == "console" or (form == "auto" and terminal):
        render = structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)

    def put_role(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"role": role, **event} if role else event

    stamp: list[Any] = [put_role, structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso")]
    finish: list[Any] = [structlog.processors.format_exc_info, redact, render]
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[*stamp, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=stamp,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
