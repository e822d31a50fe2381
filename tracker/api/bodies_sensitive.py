"""What requests about special categories carry, and what is answered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tracker.api.bodies import Closed


class Ground(Closed):
    """Why it may leave the house: the controller's own declaration."""

    ground: Annotated[str, Meta(min_length=10, max_length=1000)]


class SensitiveShown(Struct):
    """An audience or conversion that suggests special categories. `ground` null: it stays in the house."""

    id: str
    site: str
    name: str
    categories: list[str]
    ground: str | None
    declared: str | None


class SensitiveList(Struct):
    """By name, audiences first."""

    sensitive: list[SensitiveShown]
