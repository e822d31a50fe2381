"""User agent -> device class, operating system, browser.

The words are those of the `user-agents` package. It parses with ua-parser's old pure-Python code (half a millisecond
for each new user agent), so it is handed ua-parser's resolver in Rust instead: the same rules, 25 times faster.

What no user agent tells: iPads since iPadOS 13 say they are Macs, and Chrome freezes model and minor version.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import user_agents.parsers
from ua_parser import Domain, PartialResult
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from tracker.loader.enrich.bots import bot

_LONGEST = 1024  # a longer one is an attack on the parser, not a browser
_TV = re.compile(
    r"smart-?tv|smarttv|appletv|apple tv|googletv|google tv|hbbtv|netcast|viera|bravia|android tv|web0s|webos\.tv|roku"
    r"|crkey|tizen.+ tv|\baft[a-z]{1,5}\d*\b|dtv|aquos|opera tv|inettvbrowser|philipstv|tv safari|mibox|chromecast",
    re.IGNORECASE,
)


class Client(msgspec.Struct, frozen=True, omit_defaults=True):
    """`device`: desktop, mobile, tablet, tv, bot, or '' where nothing is known. Versions have at most two parts."""

    device: str = ""
    os: str = ""
    os_version: str = ""
    browser: str = ""
    browser_version: str = ""
    bot: str = ""


class _RustParser:
    """Stands in for `ua_parser.user_agent_parser`, which is all that `user_agents` asks of ua-parser."""

    def __init__(self) -> None:
        self._resolver = Resolver(load_lazy_builtins())

    def Parse(self, text: str) -> dict[str, Any]:  # noqa: N802 - the name it is called by
        found: PartialResult = self._resolver(text, Domain.ALL)
        agent, system, device = found.user_agent, found.os, found.device
        return {
            "user_agent": {
                "family": agent.family if agent else "Other",
                "major": agent.major if agent else None,
                "minor": agent.minor if agent else None,
                "patch": agent.patch if agent else None,
            },
            "os": {
                "family": system.family if system else "Other",
                "major": system.major if system else None,
                "minor": system.minor if system else None,
                "patch": system.patch if system else None,
                "patch_minor": system.patch_minor if system else None,
            },
            "device": {
                "family": device.family if device else "Other",
                "brand": device.brand if device else None,
                "model": device.model if device else None,
            },
            "string": text,
        }


user_agents.parsers.user_agent_parser = _RustParser()


def client(user_agent: str) -> Client:
    """What a user agent says; everything '' for an empty one."""
    if not user_agent:
        return Client()
    text = user_agent[:_LONGEST]
    agent = user_agents.parsers.UserAgent(text)
    machine = bot(text)
    return Client(
        device="bot" if machine else _device(agent, text),
        os=_known(agent.os.family),
        os_version=_version(agent.os.version_string),
        browser=_known(agent.browser.family),
        browser_version=_version(agent.browser.version_string),
        bot=machine,
    )


def _device(agent: Any, text: str) -> str:
    if _TV.search(text):
        return "tv"
    if agent.is_tablet:
        return "tablet"
    if agent.is_mobile:
        return "mobile"
    return "desktop" if agent.is_pc else ""


def _known(family: str) -> str:
    return "" if family == "Other" else family


def _version(text: str) -> str:
    return ".".join(text.split(".")[:2])
