"""Addresses of lists for people, and of coupons."""

from __future__ import annotations

from tracker.api import answers_exports, answers_outreach, bodies, bodies_outreach, outreach
from tracker.api.routing import Route

OUTREACH: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/outreach/lists",
        role="viewer",
        handler=outreach.lists,
        tag="Outreach",
        summary="Lists for people, and their columns",
        answer=answers_outreach.OutreachLists,
    ),
    Route(
        method="POST",
        path="/api/v1/audiences/{id}/outreach",
        role="export",
        handler=outreach.started,
        tag="Outreach",
        summary="Write whom to call, whom to win back with a coupon, or a file for a CRM; it is an export",
        body=bodies_outreach.OutreachBody,
        answer=answers_exports.ExportStarted,
        status=202,
    ),
    Route(
        method="POST",
        path="/api/v1/audiences/{id}/outreach/plans",
        role="export",
        handler=outreach.planned,
        tag="Outreach",
        summary="Make a list again and again; it is a delivery of the audience",
        body=bodies_outreach.OutreachPlan,
        answer=answers_exports.DeliveryShown,
        status=201,
    ),
    Route(
        method="GET",
        path="/api/v1/coupons",
        role="export",
        handler=outreach.pools,
        tag="Outreach",
        summary="Pools of coupons: how many codes are left",
        query=bodies.OfSite,
        answer=answers_outreach.CouponPools,
    ),
    Route(
        method="POST",
        path="/api/v1/coupons",
        role="export",
        handler=outreach.added,
        tag="Outreach",
        summary="Put codes into a pool",
        body=bodies_outreach.NewCoupons,
        answer=answers_outreach.CouponsAdded,
    ),
)
