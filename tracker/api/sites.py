"""Sites, tokens, and the snippet for a site's pages."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from tracker.api.call import Call, Reply
from tracker.api.data import last_event
from tracker.core.errors import BadRequest
from tracker.core.gate import GateSettings
from tracker.core.privacy import PrivacySettings
from tracker.core.site import Site
from tracker.networks import NETWORKS
from tracker.networks.network import MATCHED
from tracker.pixel import bundle


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/sites`: those the token may see."""
    sites = call.services.catalog.sites.list()
    return {"sites": [_shown(call, site) for site in sites if call.principal.site in (None, site.name)]}


def created(call: Call) -> Reply:
    """`POST /api/v1/sites`."""
    new = call.body
    call.allow(new.name)
    site = call.services.catalog.sites.create(
        new.name, domains=new.domains, consent=new.consent, timezone=new.timezone, min_size=new.min_size
    )
    call.audit("site.create", site=site.name)
    return Reply({"site": site.name, "write_key": site.write_key}, 201)


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/sites/{name}`."""
    return _shown(call, call.site(call.path["name"]))


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/sites/{name}`: what is left out stays."""
    site = call.site(call.path["name"])
    change = call.body
    call.keeps(_shown(call, site), "site", "write_key")
    if change.privacy is not None:
        _check_networks(change.privacy)
    if change.gate is not None:
        _check_partners(change.gate)
    site = call.services.catalog.sites.update(
        site.name,
        domains=change.domains,
        consent=change.consent,
        timezone=change.timezone,
        min_size=change.min_size,
        pixel=change.pixel,
        privacy=change.privacy,
        gate=change.gate,
        currency=change.currency,
    )
    declared = {} if change.privacy is None else {"privacy": msgspec.to_builtins(change.privacy)}
    call.audit("site.update", site=site.name, **declared)
    return _shown(call, site)


def _check_partners(gate: GateSettings) -> None:
    """Raises BadRequest for a network whose exports have no place for a partner's ids."""
    takes = [name for name, network in NETWORKS.items() if MATCHED in network.forms()]
    for one in (network for partner in gate.partners for network in partner.exports):
        if one not in takes:
            raise BadRequest(f"gate.partners: {one} is none of {', '.join(takes)}", field="gate")


def _check_networks(privacy: PrivacySettings) -> None:
    """Raises BadRequest for a name that no export has: a spelling mistake would allow nobody anything, unseen."""
    for one in privacy.networks:
        if one.name not in NETWORKS:
            raise BadRequest(f"privacy.networks: {one.name} is none of {', '.join(NETWORKS)}", field="privacy")


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/sites/{name}`: the collector refuses its key from now on; what it stored stays stored."""
    site = call.site(call.path["name"])
    call.services.catalog.sites.delete(site.name)
    call.audit("site.delete", site=site.name)
    return {
        "site": site.name,
        "deleted": True,
        "note": "its events stay in the store; a new site of this name brings them back under a new write key",
    }


def install(call: Call) -> dict[str, Any]:
    """`GET /api/v1/sites/{name}/install`: the snippet, and whether anything was heard from the site."""
    site = call.site(call.path["name"])
    latest = last_event(call.engine, site.name)
    path, file = bundle.pinned(bundle.FILES.load(), site)
    pin = f' integrity="{file.integrity}" crossorigin="anonymous"'
    return {
        "write_key": site.write_key,
        "snippet": _snippet(call, site, f"p.js?site={site.write_key}"),
        "pinned": {
            "snippet": _snippet(call, site, path, pin),
            "path": f"/{path}",
            "integrity": file.integrity,
        },
        "modules": [*site.pixel.early, *site.pixel.late, *site.pixel.called],
        "heard": latest is not None,
        "last_event": latest,
    }


def _snippet(call: Call, site: Site, path: str, more: str = "") -> str:
    source = escape(f"{call.services.collector_url.rstrip('/')}/{path}", quote=True)
    # The pixel waits for a consent unless the page says that nobody will ask for one.
    policy = ' data-consent="opt-out"' if site.consent == "opt-out" else ""
    return f'<script async src="{source}" data-site="{escape(site.write_key, quote=True)}"{policy}{more}></script>'


def tokens_listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/tokens`: never the tokens themselves."""
    tokens = call.services.catalog.tokens.list()
    return {"tokens": [token for token in tokens if call.principal.site in (None, token["site"])]}


def token_created(call: Call) -> Reply:
    """`POST /api/v1/tokens`: the token in clear, this once. A token of one site makes tokens of that site only."""
    role, site = call.body.role, call.body.site
    if call.principal.site is not None:
        call.allow(site or "")
    token = call.services.catalog.tokens.create(role, site)
    call.audit("token.create", site=site, role=role)
    return Reply({"token": token, "role": role, "site": site}, 201)


def token_revoked(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/tokens/{id}`."""
    wanted = call.path["id"]
    for token in call.services.catalog.tokens.list():
        if token["id"] == wanted:
            call.allow(token["site"] or "")
    call.services.catalog.tokens.revoke(wanted)
    call.audit("token.revoke", token=wanted)
    return {"id": wanted, "revoked": True}


def _shown(call: Call, site: Site) -> dict[str, Any]:
    return {
        "site": site.name,
        "write_key": site.write_key,
        "domains": list(site.domains),
        "consent": site.consent,
        "timezone": site.timezone,
        "currency": site.currency,
        "min_size": call.services.catalog.sites.min_size(site.name),
        "pixel": msgspec.to_builtins(site.pixel),
        "privacy": msgspec.to_builtins(site.privacy),
        "gate": msgspec.to_builtins(site.gate),
    }
