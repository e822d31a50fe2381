"""`POST /debug/mp/collect`: what Google's validation server says of a request, and nothing stored.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED_EVENTS = frozenset(
    "ad_activeview ad_click ad_exposure ad_query ad_reward adunit_exposure app_background app_clear_data app_exception "
    "app_remove app_store_refund app_store_subscription_cancel app_store_subscription_convert "
    "app_store_subscription_renew app_update app_upgrade dynamic_link_app_open dynamic_link_app_update "
    "dynamic_link_first_open error firebase_campaign firebase_in_app_message_action "
    "firebase_in_app_message_dismiss firebase_in_app_message_impression first_open first_visit "
    "notification_dismiss notification_foreground notification_open notification_receive notification_send "
    "os_update session_start user_engagement".split()
)
_RESERVED_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")
_MOST_EVENTS, _MOST_PARAMS, _MOST_ITEMS, _MOST_PROPERTIES = 25, 25, 200, 25
_NEED_MONEY = frozenset("purchase refund".split())

Message = dict[str, str]


def check(body: bytes) -> list[Message]:
    """The validation messages of a request's body; none means that it is as it should be."""
    try:
        given = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return [_say("", "Unable to parse Measurement Protocol JSON payload.", "VALUE_INVALID")]
    if not isinstance(given, dict):
        return [_say("", "Measurement Protocol payload must be a JSON object.", "VALUE_INVALID")]
    found: list[Message] = []
    if not given.get("client_id") and not given.get("app_instance_id"):
        found.append(_say("client_id", "Measurement requires a client_id.", "VALUE_REQUIRED"))
    elif not isinstance(given.get("client_id") or given.get("app_instance_id"), str):
        found.append(_say("client_id", "client_id must be a string.", "VALUE_INVALID"))
    micros = given.get("timestamp_micros")
    if micros is not None and (isinstance(micros, bool) or not str(micros).isdigit()):
        found.append(_say("timestamp_micros", "timestamp_micros must be a whole number.", "VALUE_INVALID"))
    found += _properties(given.get("user_properties"))
    found += _consent(given.get("consent"))
    events = given.get("events")
    if not isinstance(events, list) or not events:
        return [*found, _say("events", "Measurement requires at least one event.", "VALUE_REQUIRED")]
    if len(events) > _MOST_EVENTS:
        found.append(_say("events", f"More than {_MOST_EVENTS} events in one request.", "EXCEEDED_MAX_ENTITIES"))
    for at, event in enumerate(events):
        found += _event(at, event)
    return found


def _event(at: int, event: Any) -> list[Message]:
    where = f"Event at index: [{at}]"
    name = event.get("name") if isinstance(event, dict) else None
    if not isinstance(name, str) or not name:
        return [_say("events", f"{where} requires a name.", "VALUE_REQUIRED")]
    found = _named("events", f"{where} has", name, 40)
    if name in _RESERVED_EVENTS:
        found.append(_say("events", f"{where} has name [{name}] which is reserved.", "NAME_RESERVED"))
    params = event.get("params", {})
    if not isinstance(params, dict):
        return [*found, _say("events.params", f"{where} has params that are no object.", "VALUE_INVALID")]
    if len(params) > _MOST_PARAMS:
        found.append(_say("events.params", f"{where} has more than {_MOST_PARAMS} params.", "EXCEEDED_MAX_ENTITIES"))
    for key in params:
        found += _named("events.params", f"{where} has a param with", key, 40)
    value = params.get("value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        found.append(_say("events.params.value", f"{where} has a value that is no number.", "VALUE_INVALID"))
    if value is not None and not params.get("currency"):
        found.append(_say("events.params.currency", f"{where} has a value without currency.", "VALUE_REQUIRED"))
    if name in _NEED_MONEY and not params.get("transaction_id"):
        found.append(_say("events.params.transaction_id", f"{where} requires a transaction_id.", "VALUE_REQUIRED"))
    items = params.get("items")
    if items is not None and not (isinstance(items, list) and all(isinstance(one, dict) for one in items)):
        found.append(_say("events.params.items", f"{where} has items that are no list of objects.", "VALUE_INVALID"))
    elif items and len(items) > _MOST_ITEMS:
        found.append(_say("events.params.items", f"{where} has too many items.", "EXCEEDED_MAX_ENTITIES"))
    elif items and any(not one.get("item_id") and not one.get("item_name") for one in items):
        found.append(
            _say("events.params.items", f"{where} has an item without item_id and item_name.", "VALUE_REQUIRED")
        )
    return found


def _properties(given: Any) -> list[Message]:
    if given is None:
        return []
    if not isinstance(given, dict):
        return [_say("user_properties", "user_properties must be an object.", "VALUE_INVALID")]
    found = []
    if len(given) > _MOST_PROPERTIES:
        found.append(_say("user_properties", f"More than {_MOST_PROPERTIES} properties.", "EXCEEDED_MAX_ENTITIES"))
    for key, value in given.items():
        found += _named("user_properties", "User property has", key, 24)
        if not isinstance(value, dict) or "value" not in value:
            found.append(_say("user_properties", f"User property [{key[:24]}] requires a value.", "VALUE_REQUIRED"))
    return found


def _consent(given: Any) -> list[Message]:
    if given is None:
        return []
    if not isinstance(given, dict):
        return [_say("consent", "consent must be an object.", "VALUE_INVALID")]
    return [
        _say(f"consent.{key}", f"{key} must be GRANTED or DENIED.", "VALUE_INVALID")
        for key in ("ad_user_data", "ad_personalization")
        if key in given and given[key] not in ("GRANTED", "DENIED")
    ]


def _named(path: str, where: str, name: str, longest: int) -> list[Message]:
    if name.startswith(_RESERVED_PREFIXES):
        return [_say(path, f"{where} name [{name[:40]}] with a reserved prefix.", "NAME_RESERVED")]
    if not _NAME.fullmatch(name):
        reason = "Names must start with an alphabetic character and hold only alphanumeric characters and underscores."
        return [_say(path, f"{where} invalid name [{name[:40]}]. {reason}", "NAME_INVALID")]
    if len(name) > longest:
        return [_say(path, f"{where} name [{name[:40]}] longer than {longest} characters.", "NAME_INVALID")]
    return []


def _say(path: str, description: str, code: str) -> Message:
    return {"fieldPath": path, "description": description, "validationCode": code}
