"""The kinds of destinations: what each must be told, what is secret, and what says where it leads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tracker.core.errors import BadRequest
from tracker.networks.conversions.accounts import ALL_ACCOUNTS

_PLAIN = re.compile(r"[A-Za-z0-9_.:@-]{1,200}")
_MAIL = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]{1,190}")
TEXT = 4_000
SECRET = 20_000


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`needs` and `may`: options. `secrets`: sets, one of which must be given; `more`: secrets that may be.

    `where`: the options that say where it leads; when one of them changes, secrets must be given again, or somebody
    could have them sent to himself.
    """

    title: str
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    secrets: tuple[tuple[str, ...], ...] = ((),)
    more: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "folder": Kind(title="Folder", needs=("path",), where=("path",)),
    "webhook": Kind(title="Webhook", needs=("url",), secrets=(("secret",),), where=("url",)),
    "s3": Kind(
        title="S3 and what speaks like it",
        needs=("bucket", "region"),
        may=("endpoint", "prefix"),
        secrets=(("access_key_id", "secret_access_key"),),
        where=("endpoint", "region"),
    ),
    "gcs": Kind(
        title="Google Cloud Storage",
        needs=("bucket",),
        may=("prefix", "endpoint"),
        secrets=(("service_account_key",),),
        where=("endpoint",),
    ),
    "azure": Kind(
        title="Azure Blob Storage",
        needs=("account", "container"),
        may=("prefix", "endpoint"),
        secrets=(("account_key",),),
        where=("account", "endpoint"),
    ),
    "sftp": Kind(
        title="SFTP",
        needs=("host", "user", "host_key"),
        may=("port", "folder"),
        secrets=(("password",), ("private_key",)),
        more=("passphrase",),
        where=("host", "port", "host_key"),
    ),
    "email": Kind(
        title="Notice by e-mail",
        needs=("host", "sender", "to"),
        may=("port", "security", "user", "link"),
        secrets=((), ("password",)),
        where=("host", "port", "security"),
    ),
    "network": Kind(title="API of an ad network", needs=("network", "ids"), may=("base_url",), where=("base_url",)),
}


def check(kind: str, options: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Everything that can be seen without connecting. Raises BadRequest with the field; no value is repeated."""
    known = KINDS.get(kind)
    if known is None:
        raise BadRequest(f"kind must be one of {', '.join(KINDS)}", field="kind")
    allowed = {*known.needs, *known.may}
    for name in options:
        if name not in allowed:
            raise BadRequest(f"{kind} takes the options {', '.join(sorted(allowed))}", field="options")
    for name in known.needs:
        if options.get(name) in (None, "", [], {}):
            raise BadRequest(f"the option {name} is missing", field=f"options.{name}")
    for name, value in options.items():
        _check_option(name, value)
    sets, more = known.secrets, known.more
    if kind == "network":
        sets, more = _check_network(options)
    given = {name for name, value in secrets.items() if value}
    if not any(set(one) <= given for one in sets):
        wanted = " or ".join(" + ".join(one) for one in sets if one)
        raise BadRequest(f"secrets must hold {wanted}", field="secrets")
    takes = dict.fromkeys([name for one in sets for name in one] + list(more))
    if given - takes.keys():
        raise BadRequest(f"{kind} takes of secrets: {', '.join(takes) or 'none'}", field="secrets")
    if any(len(value) > SECRET for value in secrets.values()):
        raise BadRequest(f"a secret has at most {SECRET} characters", field="secrets")
    if kind == "webhook" and len(secrets["secret"]) < 16:
        raise BadRequest("the secret of a webhook has at least 16 characters", field="secrets.secret")


def check_addresses(value: object, field: str) -> list[str]:
    """Up to 50 mail addresses, without names, none twice. Raises BadRequest."""
    if not isinstance(value, list) or not 0 < len(value) <= 50 or not all(_is_mail(one) for one in value):
        raise BadRequest(f"{field.rpartition('.')[2]} is a list of up to 50 mail addresses", field=field)
    return list(dict.fromkeys(value))


def moved(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a change of options leads elsewhere."""
    return any(before.get(name) != after.get(name) for name in KINDS[kind].where)


def _check_network(options: Mapping[str, Any]) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    account = ALL_ACCOUNTS.get(str(options["network"]))
    if account is None:
        raise BadRequest(
            f"this network has no API to send to; these have: {', '.join(ALL_ACCOUNTS)}", field="options.network"
        )
    ids = options["ids"]
    if not isinstance(ids, dict) or not all(isinstance(one, str) for one in ids.values()):
        raise BadRequest("ids is an object of texts", field="options.ids")
    missing = [name for name in account.ids if not ids.get(name)]
    if missing or set(ids) - {*account.ids, *account.maybe}:
        raise BadRequest(f"ids must hold {', '.join(account.ids)}", field="options.ids")
    addresses = {name for name in ids if name in ("URL", "OPERATOR_URL")}
    for name in addresses:
        _check_option("url", ids[name])
    if not all(_PLAIN.fullmatch(one) for name, one in ids.items() if name not in addresses):
        raise BadRequest("an id holds a character that no id has", field="options.ids")
    return account.secrets, account.more


def _check_option(name: str, value: Any) -> None:
    field = f"options.{name}"
    if name == "ids":
        return
    if name == "port":
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
            raise BadRequest("port is a number from 1 to 65535", field=field)
        return
    if name == "to":
        check_addresses(value, field)
        return
    if not isinstance(value, str) or len(value) > TEXT or any(c in value for c in "\r\n\0"):
        raise BadRequest(f"{name} is a text in one line", field=field)
    if name in ("url", "base_url", "endpoint"):
        _check_url(value, field)
    elif name == "security" and value not in ("starttls", "tls", "none"):
        raise BadRequest("security is starttls, tls or none", field=field)
    elif name == "sender" and not _is_mail(value):
        raise BadRequest("sender is a mail address", field=field)


def _check_url(value: str, field: str) -> None:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:
        good = False
    if not good:
        raise BadRequest("an address is https://HOST/..., without a user in it", field=field)


def _is_mail(value: Any) -> bool:
    return isinstance(value, str) and _MAIL.fullmatch(value) is not None
