"""What requests about the cap on contacts carry."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from tracker.api.bodies import Closed


class FrequencyBody(Closed):
    """At most `most` contacts of a person in `days`; of the audiences in `priority` the first wins.

    An audience that goes to one channel is one contact. `most` 0: no cap, and nothing is counted.
    """

    most: Annotated[int, Meta(ge=0, le=1000)]
    days: Annotated[int, Meta(ge=1, le=365)] = 7
    priority: Annotated[list[str], Meta(max_length=1000)] = field(default_factory=list)


class FrequencyShown(Closed):
    """As it was set; `most` 0: no cap."""

    most: int
    days: int
    priority: list[str]
