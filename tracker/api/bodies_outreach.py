"""What requests about lists for people carry."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from tracker.api.bodies import Closed, Duration, SiteName

Pool = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", description="name of a pool of coupons", examples=["spring-10"]
    ),
]
Code = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z", examples=["SPRING-7F3K"])]


class OutreachBody(Closed):
    """A list of an audience's members for people who call or write, or for a CRM.

    `permission` is a rule of the audiences' language: who agreed to be contacted this way. `calls` may go without it:
    then it is who asked for a call in the last 30 days. `coupons`: the pool, for `winback`. `mode` new: who was not on
    it yet.
    """

    list: Literal["calls", "winback", "hubspot", "salesforce", "bitrix24"]
    permission: dict[str, Any] | None = None
    coupons: Pool | None = None
    limit: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    mode: Literal["full", "new"] = "full"
    destination: str = "download"


class OutreachPlan(Closed):
    """A list that is made again and again, and sent to a destination that takes files; else as `OutreachBody`."""

    list: Literal["calls", "winback", "hubspot", "salesforce", "bitrix24"]
    destination: str
    permission: dict[str, Any] | None = None
    coupons: Pool | None = None
    limit: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    mode: Literal["full", "new"] = "new"
    every: Duration = "24h"


class NewCoupons(Closed):
    """Codes to put behind those of a pool; one that is there already changes nothing."""

    site: SiteName
    pool: Pool
    codes: Annotated[list[Code], Meta(min_length=1, max_length=20_000)]
