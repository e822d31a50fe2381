"""Small cells: counts of one to nine persons are not shown, because they may show who the persons are. Pure."""

from __future__ import annotations

from collections.abc import Mapping

FEWEST = 10
"""Persons in a cell below which it is not shown (privacy rules, P-42)."""


def cell(people: int) -> int | None:
    """None for a few; nobody is no secret."""
    return people if people == 0 or people >= FEWEST else None


def parts(whole: Mapping[str, int]) -> dict[str, int | None]:
    """Parts of a sum that is shown too. What is hidden is `FEWEST` at least together, or subtracting would show it."""
    shown = {name: cell(people) for name, people in whole.items()}
    hidden = sum(people for name, people in whole.items() if shown[name] is None)
    for name, people in sorted(whole.items(), key=lambda one: one[1]):
        if 0 < hidden < FEWEST and shown[name]:
            shown[name], hidden = None, hidden + people
    return shown
