"""What requests about conversions carry."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from tracker.api.bodies import Closed, Duration, Name, SiteName, Time


class NewConversion(Closed):
    """Events that a network is told of. Without `start` those from now on; `every`: null, only by hand.

    Each of `events` is `{"event", "where", "send_as"}`; `send_as` may be left out where the network has a name for it.
    """

    site: SiteName
    name: Name
    destination: str
    events: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=20)]
    event_id: Annotated[
        str, Meta(max_length=200, description="id, or the property that holds what the network's pixel sent")
    ] = "id"
    start: Time | None = None
    every: Duration | None = "15m"


class ConversionRhythm(Closed):
    """How often it is sent from now on; null: only by hand. It begins at once."""

    every: Duration | None


class ConversionRun(Closed):
    """`live` sends and notes; `test` sends so that it counts nowhere; `dry` writes a file for download."""

    mode: Literal["live", "test", "dry"] = "dry"
