"""Is this user agent a machine? isbot's pattern list, and a name for what it finds. Bots are marked, never dropped."""

from __future__ import annotations

import re
from importlib.resources import files

_LIST = files("tracker.loader.enrich.data").joinpath("isbot_5.2.3.txt").read_text(encoding="utf-8").strip()
_BOT = re.compile(_LIST, re.IGNORECASE | re.ASCII)
_NAME = re.compile(
    r"[a-z][\w.-]*(?:bot|crawl|spider|slurp|scan|monitor|fetch|preview|proxy)[\w-]*", re.IGNORECASE | re.ASCII
)
_PRODUCT = re.compile(r"([A-Za-z][\w. -]{1,38}?)(?=[/;,)(]|$)", re.ASCII)
_LONGEST_NAME = 40


def bot(user_agent: str) -> str:
    """A name for the machine behind this user agent; '' for a person, and where there is no user agent at all."""
    found = _BOT.search(user_agent) if user_agent else None
    if found is None:
        return ""
    name = _NAME.search(user_agent) or (None if user_agent.startswith("Mozilla/") else _PRODUCT.match(user_agent))
    text = name[0] if name else found[0]
    return text.strip(" ;()/,")[:_LONGEST_NAME] or "bot"
