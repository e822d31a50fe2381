"""Every address of the API, who may use it, and what it takes and gives."""

from __future__ import annotations

from tracker.api import answers, bodies, data, links, sites
from tracker.api.routes_audiences import AUDIENCES
from tracker.api.routes_backups import BACKUPS
from tracker.api.routes_conversions import CONVERSIONS
from tracker.api.routes_destinations import DESTINATIONS
from tracker.api.routes_frequency import FREQUENCY
from tracker.api.routes_gate import GATE
from tracker.api.routes_outreach import OUTREACH
from tracker.api.routes_privacy import PRIVACY
from tracker.api.routes_questions import ALERTS, ANNOTATIONS, COSTS, FUNNELS, LIFT, PEOPLE, REPORTS
from tracker.api.routes_recalls import RECALLS
from tracker.api.routes_schedules import SCHEDULES
from tracker.api.routes_sensitive import SENSITIVE
from tracker.api.routing import Route

_SITES = (
    Route(
        method="GET",
        path="/api/v1/sites",
        role="viewer",
        handler=sites.listed,
        tag="Sites",
        summary="The sites that the token may see",
        answer=answers.Sites,
    ),
    Route(
        method="POST",
        path="/api/v1/sites",
        role="admin",
        handler=sites.created,
        tag="Sites",
        summary="Add a site; its write key works at once",
        body=bodies.NewSite,
        answer=answers.SiteCreated,
        status=201,
    ),
    Route(
        method="GET",
        path="/api/v1/sites/{name}",
        role="viewer",
        handler=sites.one,
        tag="Sites",
        summary="One site",
        answer=answers.Site,
    ),
    Route(
        method="PUT",
        path="/api/v1/sites/{name}",
        role="admin",
        handler=sites.changed,
        tag="Sites",
        summary="Change a site; what is left out stays",
        body=bodies.SiteChange,
        round_trip=True,
        answer=answers.Site,
    ),
    Route(
        method="DELETE",
        path="/api/v1/sites/{name}",
        role="admin",
        handler=sites.deleted,
        tag="Sites",
        summary="Stop a site; its events stay in the store",
        answer=answers.SiteDeleted,
    ),
    Route(
        method="GET",
        path="/api/v1/sites/{name}/install",
        role="viewer",
        handler=sites.install,
        tag="Sites",
        summary="The snippet, and whether anything was heard from the site",
        answer=answers.Install,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/tokens",
        role="admin",
        handler=sites.tokens_listed,
        tag="Tokens",
        summary="All tokens, without their secrets",
        answer=answers.Tokens,
    ),
    Route(
        method="POST",
        path="/api/v1/tokens",
        role="admin",
        handler=sites.token_created,
        tag="Tokens",
        summary="Make a token; it is shown this once",
        body=bodies.NewToken,
        answer=answers.TokenCreated,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/api/v1/tokens/{id}",
        role="admin",
        handler=sites.token_revoked,
        tag="Tokens",
        summary="Revoke a token",
        answer=answers.TokenRevoked,
    ),
)

_LINKS = (
    Route(
        method="POST",
        path="/api/v1/links",
        role="analyst",
        handler=links.created,
        tag="Links",
        summary="A signed link that counts and leads to its target, or an image that counts openings of a mail",
        body=bodies.NewLink,
        answer=answers.LinkCreated,
        status=201,
    ),
)

_HEALTH = (
    Route(
        method="GET",
        path="/api/v1/ledger",
        role="viewer",
        handler=data.ledger,
        tag="Data health",
        summary="How every received event ended",
        query=bodies.MaybeSite,
        answer=answers.Ledger,
    ),
    Route(
        method="GET",
        path="/api/v1/status",
        role="viewer",
        handler=data.status,
        tag="Data health",
        summary="Versions, lag, disk, ledger",
        answer=answers.Status,
    ),
    Route(
        method="GET",
        path="/api/v1/rejected",
        role="viewer",
        handler=data.rejected,
        tag="Data health",
        summary="Events that were not accepted, the newest first",
        query=bodies.ListOfSite,
        answer=answers.RejectedEvents,
        slow=True,
    ),
    Route(
        method="POST",
        path="/api/v1/rejected/replay",
        role="admin",
        handler=data.replay,
        tag="Data health",
        summary="Send rejected events down the road again",
        body=bodies.ReplayBody,
        answer=answers.Replayed,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/audit",
        role="admin",
        handler=data.audit,
        tag="Data health",
        summary="Who exported or changed what",
        query=bodies.ListOfMaybeSite,
        answer=answers.Audit,
    ),
)

ROUTES: tuple[Route, ...] = (
    *(*_SITES, *_LINKS, *_HEALTH, *REPORTS, *LIFT, *COSTS, *BACKUPS),
    *(*FUNNELS, *ANNOTATIONS, *ALERTS, *PEOPLE, *AUDIENCES, *DESTINATIONS, *PRIVACY, *GATE),
    *(*CONVERSIONS, *OUTREACH, *FREQUENCY, *RECALLS, *SENSITIVE, *SCHEDULES),
)
