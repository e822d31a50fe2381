"""The sample shop: its real click-stream, a small catalogue, and a shop to click through that carries the pixel."""

from __future__ import annotations

from tracker.demo.clickstream import EVENTS, load
from tracker.demo.shop import make_app

__all__ = ["EVENTS", "load", "make_app"]
