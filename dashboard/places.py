"""What a destination must be told, as fields of a form, and the form as the API takes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from dashboard.client import Json

TITLES = {
    "path": "Folder",
    "url": "Address (https://…)",
    "URL": "Address (https://…)",
    "base_url": "Address of the network's API, if another",
    "endpoint": "Address of the service, if another",
    "host_key": "Public key of the server",
    "to": "Mail addresses, separated by commas",
    "sender": "Mail address of the sender",
    "access_key_id": "Access key id",
    "user": "User",
}
SECURITY = ("starttls", "tls", "none")
_PEM = re.compile(r"\s*(-----BEGIN [A-Z0-9 ]+-----)\s*([A-Za-z0-9+/=\s]+?)\s*(-----END [A-Z0-9 ]+-----)\s*")


def title(name: str) -> str:
    """A field's name as its label: `AD_ACCOUNT_ID` -> `Ad account id`."""
    words = TITLES.get(name) or name.replace("_", " ").lower()
    return words[:1].upper() + words[1:]


def said(note: str) -> str:
    """A note of the API with its fields by their labels: `` `MOBILE_LIST_ID` `` -> `“Mobile list id”`."""
    return re.sub(r"`([A-Za-z_]+)`", lambda found: f"“{title(found[1])}”", note).replace("`", "")


def option(name: str, text: str) -> Any:
    """What was typed into an option's field, as the API takes it; text where it is no number, so that it says so."""
    text = text.strip()
    if name == "to":
        return [part.strip() for part in re.split(r"[,;\s]+", text) if part.strip()]
    return int(text) if name == "port" and text.isdigit() else text


def secret(text: str) -> str:
    """A secret as it was before a field of one line took its line breaks: keys in PEM need them."""
    found = _PEM.fullmatch(text)
    if not found:
        return text.strip()
    first, body, last = found.groups()
    return "\n".join([first, *wrap("".join(body.split()), 64), last, ""])


def body(site: str, name: str, kind: str, options: Mapping[str, str], secrets: Mapping[str, str]) -> Json:
    """A new destination. Empty fields are left out."""
    given = {key: option(key, text) for key, text in options.items() if text.strip()}
    kept = {key: secret(text) for key, text in secrets.items() if text.strip()}
    return {"site": site, "name": name.strip(), "kind": kind, "options": given, "secrets": kept}


def leads(options: Mapping[str, Any]) -> str:
    """Where one leads, for the list: the options that say so, joined."""
    shown = ("network", "host", "bucket", "account", "container", "url", "path", "folder", "prefix", "region", "to")
    found = [options[key] for key in shown if options.get(key)]
    ids = options.get("ids")
    if isinstance(ids, dict):
        found += [f"{title(key)} {value}" for key, value in ids.items()]
    return " · ".join(", ".join(map(str, one)) if isinstance(one, list) else str(one) for one in found)
