"""Click ids and ad identifiers: they name a person to an ad network, so they stay only from M3 on. Pure.

They come as query parameters, as properties (`first_touch`, campaign, device ids of an app) and inside texts that are
addresses themselves. Looking for them is a matter of names; values prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

NAMES = frozenset(
    "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid fbclid msclkid twclid li_fat_id igshid ttclid rdt_cid "
    "epik qclid sccid irclickid irclid _kx mc_cid mc_eid oppref bfcid yclid vmcid dicbo obclickid tblci mkt_tok "
    "srsltid wickedid _openstat ysclid".split()
)
_AD_IDS = frozenset(
    "fbp fbc ttp gcl_aw gcl_dc gcl_au muid idfa idfv gaid aaid adid rida advertisingid advertising_id ad_id "
    "adtrackingid google_advertising_id click_id clickid uid2 uid2_token euid ramp_id id5 rtg_id openidfa".split()
)
_LOOKS_LIKE = re.compile(r"cl(?:ic)?k?_?id$|[gw]braid$", re.IGNORECASE)
# A name and what follows it, in an address or in JSON text.
_WORDS = "|".join(sorted(map(re.escape, NAMES), key=len, reverse=True))
_IN_TEXT = re.compile(
    rf"(?<![A-Za-z0-9_])(?:{_WORDS}|hsa_\w{{1,16}}|\w{{0,16}}cl(?:ic)?k?_?id)"
    r"(?:\s*=|%(?:25)*3D|\\?\"\s*:\s*\\?\"?)[^&\s\"'<>;,}]*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^&\s\"'<>;]+")
_harmless: set[str] = set()  # names seen that name none; bounded
_DEEPEST = 64


def names_click(name: str) -> bool:
    """Whether a parameter or property of this name holds a click id or an ad identifier."""
    plain = name.lower()
    return (
        plain in NAMES
        or plain.lstrip("_") in _AD_IDS
        or plain.startswith("hsa_")
        or _LOOKS_LIKE.search(plain) is not None
    )


def mentions_click(text: str) -> bool:
    """Whether a text holds a click id as an address would: `name=value`, plainly or escaped up to three times."""
    if "=" not in text and "%" not in text:
        return False
    for _ in range(4):
        if _IN_TEXT.search(text) is not None:
            return True
        if "%" not in text:
            return False
        before, text = text, unquote_plus(text)
        if text == before:
            return False
    return "%" in text  # nobody escapes an address so often


def strip_text(text: str) -> str:
    """The text without what `mentions_click` finds; where it is escaped, the whole address goes."""
    if not mentions_click(text):
        return text
    left = _IN_TEXT.sub("", text)
    return _TOKEN.sub(lambda found: "" if mentions_click(found[0]) else found[0], left)


def strip_json_text(text: str) -> str:
    """The same for a text that should have been JSON."""
    return _IN_TEXT.sub("", text)


def carries(value: dict[str, Any] | list[Any], depth: int = 0) -> bool:
    """Whether anything in a value is a click id. Called for every event below M3, so loops and not generators."""
    members: Iterable[Any] = value
    if type(value) is dict:
        if not (_harmless.issuperset(value) or _learn(value)):
            return True
        members = value.values()
    for member in members:
        kind = type(member)
        if kind is str:
            if ("=" in member or "%" in member) and mentions_click(member):
                return True
        elif (kind is dict or kind is list) and (depth == _DEEPEST or carries(member, depth + 1)):
            return True
    return False


def without(value: Any, depth: int = 0) -> Any:
    """The same value without click ids."""
    if type(value) is dict:
        return {
            strip_text(name): without(member, depth + 1)
            for name, member in value.items()
            if depth < _DEEPEST and not names_click(name)
        }
    if type(value) is list:
        return [without(member, depth + 1) for member in value] if depth < _DEEPEST else []
    return strip_text(value) if type(value) is str else value


def _learn(names: dict[str, Any]) -> bool:
    if any(names_click(name) or mentions_click(name) for name in names):
        return False
    if len(_harmless) > 10_000:
        _harmless.clear()
    _harmless.update(names)
    return True
