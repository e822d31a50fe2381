"""Where an event's page was reached from -> channel, by the rules of Google Analytics 4's default channel group.

Source: support.google.com/analytics/answer/9756891, in the order of the rules. Lists of hosts: `data/LICENSES.md`.
A visit need not begin with a page view: whatever event carries the page's tags or a foreign referrer says the channel.
A page reached from another page of the same site has the channel '' - it begins nothing.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from functools import cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

from tracker.loader.enrich.address import CLICK_IDS, Address

_PAID = re.compile(r"^(.*cp.*|ppc|retargeting|paid.*)$")
_SHOP = re.compile(r"^(.*(([^a-df-z]|^)shop|shopping).*)$")
_VIDEO = re.compile(r"^(.*video.*)$")
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_REFERRAL = frozenset({"referral", "app", "link"})
_EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail"})
_DIRECT = frozenset({"(not set)", "(none)", ""})
_NAMES = {"shopping": "Shopping", "search": "Search", "social": "Social", "video": "Video"}


def channel(page: Address, referrer_host: str) -> str:
    """Channel of a page view: one of GA4's names, or '' for a step inside the site."""
    tagged = page.utm_source or page.utm_medium or page.utm_campaign
    if not tagged and not page.click_id_kind and referrer_host and same_site(page.host, referrer_host):
        return ""
    source, medium = source_medium(page, referrer_host)
    return channel_of(source, medium, page.utm_campaign)


def source_medium(page: Address, referrer_host: str) -> tuple[str, str]:
    """Campaign tags first, then the click id, then the referrer: the one who paid for the link knows best."""
    if page.utm_source or page.utm_medium or page.utm_campaign:
        return page.utm_source or "(not set)", page.utm_medium or "(not set)"
    if page.click_id_kind:
        return CLICK_IDS[page.click_id_kind]
    if not referrer_host:
        return "(direct)", "(none)"
    return referrer_host, "organic" if category(referrer_host) == "search" else "referral"


def channel_of(source: str, medium: str, campaign: str) -> str:
    """The rules, in order; the first that fits wins."""
    source, medium, campaign = source.lower(), medium.lower(), campaign.lower()
    kind = category(source)
    shops = kind == "shopping" or _SHOP.match(campaign) is not None
    if source == "(direct)" and medium in _DIRECT:
        return "Direct"
    if "cross-network" in campaign:
        return "Cross-network"
    if _PAID.match(medium):
        return "Paid Shopping" if shops else f"Paid {_NAMES.get(kind, 'Other')}"
    if medium in _DISPLAY:
        return "Display"
    if shops:
        return "Organic Shopping"
    if kind == "social" or medium in _SOCIAL:
        return "Organic Social"
    if kind == "video" or _VIDEO.match(medium):
        return "Organic Video"
    if kind == "search" or medium == "organic":
        return "Organic Search"
    if medium in _REFERRAL:
        return "Referral"
    if source in _EMAIL or medium in _EMAIL:
        return "Email"
    return _small_channel(source, medium)


def _small_channel(source: str, medium: str) -> str:
    if medium == "affiliate":
        return "Affiliates"
    if medium == "audio":
        return "Audio"
    if "sms" in (source, medium):
        return "SMS"
    if medium.endswith("push") or "mobile" in medium or "notification" in medium or source == "firebase":
        return "Mobile Push Notifications"
    return "Unassigned"


def category(source: str) -> str:
    """search, social, shopping, video or ''. `source` is a host (its parent domains count too) or a name: `google`."""
    known = _categories()
    name = source.removeprefix("www.")
    while name:
        if found := known.get(name):
            return found
        label, dot, rest = name.partition(".")
        if not dot:
            return ""
        if (found := known.get(label + ".{}")) and _suffixes().is_public(rest):
            return found  # `google.{}`: google under any public suffix
        name = rest
    return ""


def same_site(host: str, other: str) -> bool:
    """Same host, or same registrable domain."""
    return host == other or (bool(host) and registrable(host) == registrable(other))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registrable(host: str) -> str:
    """`www.shop.co.uk` -> `shop.co.uk`; an IP address or a name without a public suffix is itself."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return str(_suffixes().privatesuffix(host) or host)
    return host


@cache
def _categories() -> dict[str, str]:
    folder = files("tracker.loader.enrich.data")
    known: dict[str, str] = {}
    for name, column in (("ga4_sources.csv", "source"), ("matomo_hosts.csv", "host")):  # GA4's rules, GA4's word first
        with folder.joinpath(name).open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                known.setdefault(row[column].removeprefix("www."), row["category"])
    return known
