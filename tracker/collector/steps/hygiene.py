"""What must not be kept of an event: contact details, secrets in addresses, click ids below M3."""

from __future__ import annotations

from tracker.collector import clicks
from tracker.collector.consent import Mode
from tracker.collector.draft import Draft
from tracker.collector.scrub import blank_values
from tracker.collector.suppressions import Listed
from tracker.collector.urls import blank, clean, is_below, only
from tracker.core.event import Record
from tracker.core.gate import Lists
from tracker.core.identifiers import Identifier, person_id, take_from_props, take_from_traits

FORM = "form"  # the trait by which the endpoint of forms hands over what is to be sealed


def take_identifiers(draft: Draft) -> Record | None:
    """E-mail addresses, phone numbers and names leave the event: keyed hashes stay, sealed forms go to the vault."""
    if draft.clean:
        return None
    context = draft.context
    keys = context.keys
    country = context.place.country
    if FORM in draft.traits and context.source == "form":
        draft.message = Identifier(FORM, draft.traits[FORM])
        draft.traits = {name: value for name, value in draft.traits.items() if name != FORM}
    draft.props, taken = take_from_props(keys, draft.props, country)
    draft.traits, from_traits = take_from_traits(keys, draft.traits, country)
    draft.identifiers = taken + from_traits
    if draft.decision.mode < Mode.M3:
        draft.identifiers = [one for one in draft.identifiers if one.kind != "madid"]
    if context.listed is not None and context.listed.active:
        _leave_alone(draft, context.listed)
    draft.props = blank_values(draft.props)
    draft.traits = blank_values(draft.traits)
    draft.items = [blank_values(item) for item in draft.items]
    draft.visitor = person_id(keys, draft.visitor)
    draft.user = person_id(keys, draft.user)
    draft.previous = person_id(keys, draft.previous)
    return None


def _leave_alone(draft: Draft, listed: Listed) -> None:
    """Nothing is sealed for the networks of somebody who opted out, or whose address or number is on the list."""
    hashes = [
        (kind, str(found[f"{kind}_hmac"]))
        for kind in ("email", "phone")
        for found in (draft.props, draft.traits)
        if f"{kind}_hmac" in found
    ]
    if draft.withheld or any(listed.contact(kind, hashed) for kind, hashed in hashes):
        draft.identifiers = []


def clean_urls(draft: Draft) -> Record | None:
    """URL hygiene; no address in name and title either. Below M3 no click id anywhere."""
    click_ids = draft.decision.mode >= Mode.M3
    if not click_ids:
        draft.props = clicks.without(draft.props)
        draft.traits = clicks.without(draft.traits)
        draft.items = clicks.without(draft.items)
        draft.title = clicks.strip_text(draft.title)
        draft.name = clicks.strip_text(draft.name)
    if draft.url:
        draft.url = clean(draft.url, click_ids=click_ids)
    if draft.referrer:
        draft.referrer = clean(draft.referrer, click_ids=click_ids)
    lists = draft.context.lists
    if lists is not None:
        _keep_listed(draft, lists)
    if "@" in draft.title:
        draft.title = blank(draft.title)
    if "@" in draft.name:
        draft.name = blank(draft.name)
    return None


def _keep_listed(draft: Draft, lists: Lists) -> None:
    draft.spam = bool(draft.referrer) and is_below(draft.referrer, lists.spam_referrers)
    if lists.query_keys is not None:
        draft.url = only(draft.url, lists.query_keys)
        draft.referrer = only(draft.referrer, lists.query_keys)
