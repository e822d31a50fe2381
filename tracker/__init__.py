"""Journey Tracker: customer journeys, funnels and audiences, self-hosted."""

__version__ = "0.1.0"
