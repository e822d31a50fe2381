"""Audiences that most shops want, as rules ready to use. Pure; which are offered depends on the events of the site."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from dashboard.client import Json


@dataclass(frozen=True)
class Recipe:
    """One kind of audience.

    needs: names of events without which it finds nobody. rule: made with the time that is looked at, `days` at first;
    "" where that is all time.
    """

    key: str
    name: str
    why: str
    needs: tuple[str, ...]
    rule: Callable[[str], Json]
    days: str = "30d"


def offered(names: Collection[str]) -> list[Recipe]:
    """The recipes that can find somebody on a site with these events, in the order of a journey."""
    there = set(names)
    return [recipe for recipe in RECIPES if there.issuperset(recipe.needs)]


def _did(event: str, within: str | None = None, **more: object) -> Json:
    return {"did": {"event": event, **({"within": within} if within else {}), **more}}


def _but_not(first: Json, event: str, within: str) -> Json:
    return {"all": [first, {"not": _did(event, within)}]}


def _dropped(first: str, then: str, within: str) -> Json:
    funnel = {"steps": [{"event": first}, {"event": then}], "window": "7d"}
    return {"dropped": {"funnel": funnel, "after_step": 1, "within": within, "wait": "1h"}}


def _bought(count: Mapping[str, int], within: str | None = None) -> Json:
    return _did("purchase", within, count=dict(count))


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "viewed",
        "Viewed but not bought",
        "They know what they want. Show them that very product.",
        ("view_item",),
        lambda days: _but_not(_did("view_item", days), "purchase", days),
    ),
    Recipe(
        "cart",
        "Cart abandoned",
        "Closest to an order: remind them while they still remember.",
        ("add_to_cart", "purchase"),
        lambda days: _dropped("add_to_cart", "purchase", days),
        "14d",
    ),
    Recipe(
        "checkout",
        "Checkout abandoned",
        "Something stopped them at the till: shipping, payment, a form. Ask, or take the fear away.",
        ("begin_checkout", "purchase"),
        lambda days: _dropped("begin_checkout", "purchase", days),
        "14d",
    ),
    Recipe(
        "one-time",
        "One-time buyers",
        "The second order makes a customer.",
        ("purchase",),
        lambda _days: _bought({"eq": 1}),
        "",
    ),
    Recipe(
        "second",
        "Second purchase due",
        "Bought once, some time ago, and not again since: what goes with it?",
        ("purchase",),
        lambda days: {"all": [_bought({"eq": 1}), {"not": _did("purchase", days)}]},
    ),
    Recipe(
        "lapsed",
        "Lapsed buyers",
        "Bought more than once and then fell silent.",
        ("purchase",),
        lambda days: {"all": [_bought({"gte": 2}), {"not": _did("purchase", days)}]},
        "90d",
    ),
    Recipe(
        "at-risk",
        "At risk",
        "They bought often or for much, and are falling silent: win them back before they have forgotten you.",
        ("purchase",),
        lambda _days: {"rfm": {"segment": ["at_risk", "cannot_lose"]}},
        "",
    ),
    Recipe(
        "high-value",
        "High value",
        "Your best customers: look for people like them, and leave them out of discounts.",
        ("purchase",),
        lambda days: _did("purchase", days, value={"sum": "value", "gte": 500}),
        "365d",
    ),
    Recipe(
        "unhappy",
        "Unhappy (NPS 0 to 6)",
        "Call them before they tell others; do not advertise to them meanwhile.",
        ("survey_answered",),
        lambda days: {"answered": {"survey": "nps", "score": {"lte": 6}, "within": days}},
        "90d",
    ),
    Recipe(
        "dissatisfied",
        "Dissatisfied (CSAT 1 or 2)",
        "What you sold or how you served disappointed them: make it good first, advertise later.",
        ("survey_answered",),
        lambda days: {"answered": {"survey": "csat", "score": {"lte": 2}, "within": days}},
        "90d",
    ),
    Recipe(
        "complained",
        "Complained",
        "They took the trouble to tell you: answer, and do not advertise to them meanwhile.",
        ("feedback_sent",),
        lambda days: _did("feedback_sent", days, where=[{"property": "props.topic", "op": "eq", "value": "problem"}]),
        "90d",
    ),
    Recipe(
        "readers",
        "Newsletter readers who do not buy",
        "They open your mails and stay on the fence.",
        ("email_open",),
        lambda days: _but_not(_did("email_open", days), "purchase", days),
    ),
    Recipe(
        "not-buyers",
        "Everyone but buyers",
        "Turned round, this keeps buyers out of campaigns for newcomers.",
        ("purchase",),
        lambda days: {"not": _did("purchase", days)},
    ),
)
