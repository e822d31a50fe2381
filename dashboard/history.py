"""What happened to a person beside their events, in words. Pure."""

from __future__ import annotations

from dashboard import formats, sizes
from dashboard.client import Json

CHANGES = {"first": "Consent given", "changed": "Consent changed", "withdrawn": "Consent withdrawn"}
SAID = {1: "yes", 0: "no"}


def line(entry: Json) -> tuple[str, str]:
    """(what happened, more about it)."""
    kind, name = entry["kind"], str(entry.get("name") or "an audience that is gone")
    if kind == "consent":
        return _consent(entry["consent"])
    if kind == "coupon":
        return "Got a coupon", f"{entry['code']} of {entry['pool']}"
    if kind == "audience_entered":
        return "Came into an audience", f"{name} · {sizes.reason(entry['by'])}"
    if kind == "audience_left":
        return "Left an audience", f"{name} · {sizes.reason(entry['by'])}"
    network = str(entry["network"])
    if network.startswith("list."):
        return "Put onto a list", f"{network.removeprefix('list.').replace('_', ' ')} · {name}"
    return "Put into an export", f"{network.replace('_', ' ')} · {name}"


def _consent(consent: Json) -> tuple[str, str]:
    said = [f"{what} {SAID[consent[what]]}" for what in ("analytics", "ads") if consent[what] in SAID]
    said += ["Global Privacy Control"] if consent["gpc"] else []
    said += [f"by {consent['source']}"] if consent["source"] else []
    refused = consent["change"] == "first" and 1 not in (consent["analytics"], consent["ads"])
    title = "Consent refused" if refused else CHANGES.get(consent["change"], "Consent changed")
    return title, " · ".join(said) or formats.NONE
