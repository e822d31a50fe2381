"""URL -> host, path, campaign tags, click id. Referrer -> host."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import msgspec

_MOST_PARAMETERS = 64
_LONGEST_TAG = 200

# Parameter -> (source, medium) that it stands for where the URL has no utm tags. An ad network appends its click id to
# paid clicks; fbclid, igshid and srsltid come with unpaid ones too, so they prove no payment.
CLICK_IDS: dict[str, tuple[str, str]] = {
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "dclid": ("google", "display"),
    "msclkid": ("bing", "cpc"),
    "yclid": ("yandex", "cpc"),
    "ttclid": ("tiktok", "cpc"),
    "twclid": ("twitter", "cpc"),
    "li_fat_id": ("linkedin", "cpc"),
    "rdt_cid": ("reddit", "cpc"),
    "epik": ("pinterest", "cpc"),
    "qclid": ("quora", "cpc"),
    "ScCid": ("snapchat", "cpc"),
    "sccid": ("snapchat", "cpc"),
    "tblci": ("taboola", "cpc"),
    "dicbo": ("outbrain", "cpc"),
    "obOrigUrl": ("outbrain", "cpc"),
    "vmcid": ("yahoo", "cpc"),
    "irclid": ("impact", "affiliate"),
    "mc_cid": ("mailchimp", "email"),
    "mkt_tok": ("marketo", "email"),
    "_kx": ("klaviyo", "email"),
    "fbclid": ("facebook", "social"),
    "igshid": ("instagram", "social"),
    "wickedid": ("wicked", "cpc"),
    "srsltid": ("google", "organic"),
}


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a page's URL says. `click_id_kind` is the parameter's name."""

    host: str = ""
    path: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    click_id_kind: str = ""
    click_id: str = ""


def address(url: str) -> Address:
    """Parts of a URL; everything '' for one that cannot be read."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return Address()
    tags = _tags(parts.query) if parts.query else {}
    kind = next((name for name in CLICK_IDS if tags.get(name)), "")
    return Address(
        host=host,
        path=parts.path or ("/" if host else ""),
        utm_source=tags.get("utm_source", ""),
        utm_medium=tags.get("utm_medium", ""),
        utm_campaign=tags.get("utm_campaign", ""),
        utm_term=tags.get("utm_term", ""),
        utm_content=tags.get("utm_content", ""),
        click_id_kind=kind,
        click_id=tags.get(kind, "") if kind else "",
    )


def host_of(url: str) -> str:
    """Host of a URL or app address (`android-app://com.slack/` -> `com.slack`), lower case; '' where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _tags(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return {}
    tags: dict[str, str] = {}
    for name, value in pairs:
        tags.setdefault(name.lower() if name.lower().startswith("utm_") else name, value.strip()[:_LONGEST_TAG])
    return tags
