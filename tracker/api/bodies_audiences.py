"""Bodies of audiences, exports, destinations and deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from tracker.api.bodies import Closed, Duration, Name, SiteName

ExportOptions = Annotated[
    dict[str, str | list[str]],
    Meta(
        description="what the network lets choose (`options` of `GET /api/v1/networks`): `delimiter` , ; | or a tab, "
        "`compression` gzip or none, `segments` ids of the IAB's Audience Taxonomy 1.1",
        examples=[{"delimiter": "|", "compression": "gzip"}],
    ),
]


class AudienceBody(Closed):
    """An audience. `holdout`: the share of members that is never exported, so that an effect can be measured."""

    site: SiteName
    name: Name
    rule: dict[str, Any]
    duration: str = "30d"
    holdout: float = 0.0
    refresh: str = "5m"


class AudienceChange(Closed):
    """What is left out stays as it is. An audience stays with its site."""

    site: SiteName | None = None
    name: Name | None = None
    rule: dict[str, Any] | None = None
    duration: str | None = None
    holdout: float | None = None
    refresh: str | None = None


class PreviewBody(Closed):
    """An audience that need not be saved, or `id` of a saved one. `hide_small`: counts of one to nine are left out."""

    site: SiteName
    rule: dict[str, Any]
    name: str = ""
    duration: str = "30d"
    holdout: float = 0.0
    refresh: str = "5m"
    id: str | None = None
    hide_small: bool = False


class ExportBody(Closed):
    """`min_size`: an admin may go below the site's minimum; it is logged. `dry_run`: what would be sent is written into
    a file for download; nothing is sent, and nothing is noted as delivered.
    """

    network: str
    mode: str = "full"
    shape: str = "file"
    destination: str = "download"
    dry_run: bool = False
    min_size: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    options: ExportOptions = field(default_factory=dict)


class NewDestination(Closed):
    """Where exports go. `GET /api/v1/destinations/kinds` says what each kind must be told."""

    site: SiteName
    name: Name
    kind: str
    options: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)


class DestinationChange(Closed):
    """What is left out stays, of the secrets too; where it leads elsewhere, they must be given again.

    `secrets` as a list of their names, as `GET` gives it, keeps them.
    """

    name: Name | None = None
    options: dict[str, Any] | None = None
    secrets: dict[str, str] | list[str] | None = None


class NewDelivery(Closed):
    """An audience delivered again and again."""

    destination: str
    network: str
    mode: Literal["full", "delta"] = "delta"
    shape: Literal["file", "api"] = "file"
    every: Duration = "15m"
    options: ExportOptions = field(default_factory=dict)
