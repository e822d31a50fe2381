"""Of what real clients sent nothing is thrown away: every value is in the event, or has a reason not to be there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest
import test_captures_of_others as others
import test_dialect_captures as dialects
import test_segment_captures as calls

from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import matomo, segment, snowplow
from tracker.core.event import RawEvent

# Keys of sites, what says how a request travels, times that the event has as numbers (and Matomo's
# clock of the visitor), names of calls that became types,
# and the wrappers of Snowplow's JSON.
EXPLAINED = re.compile(
    r"""writeKey|api_key|token|token_auth|website|aid|idsite|measurement_id|_metadata\..*|sent_?[aA]t|timestamp
    |originalTimestamp|channel|rec|apiv|r|rand|send_image|e|cdt|h|m|s
    |context\.traits\..*|(co|cx|ue_pr|ue_px)(\.data)?\.schema|event=\$(identify|create_alias|groupidentify|set)
    |n=pageview|d""",
    re.VERBOSE,
)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(path without positions, text or number) of everything inside."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    elif isinstance(value, str) and value[:1] in ("{", "["):
        try:
            yield from leaves(json.loads(value), key)
        except ValueError:
            yield key, value
    elif value not in (None, "", "undefined") and not isinstance(value, bool):
        yield key, value


def lost(sent: Any, events: list[RawEvent]) -> list[str]:
    """What of one request or message is in none of its events."""
    text = unquote(" ".join(json.dumps(msgspec.to_builtins(one), ensure_ascii=False) for one in events))
    numbers = {float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text)}
    missing = []
    for key, value in leaves(sent):
        there = str(value).replace('"', '\\"') in text or unquote(str(value)) in text
        if not there:
            try:
                there = float(value) in numbers
            except ValueError:
                there = False
        name = key.removeprefix("batch.").removeprefix("payload.").removeprefix("properties.").removeprefix("events.")
        if not (there or EXPLAINED.fullmatch(name) or EXPLAINED.fullmatch(f"{name}={value}")):
            missing.append(f"{key}={value}"[:80])
    return missing


def read(batch: Any) -> list[RawEvent]:
    found = [batch.read(text) for text in batch.texts]
    assert not any(isinstance(one, Unreadable) for one in found)
    return found


@pytest.mark.parametrize("path", calls.FILES, ids=lambda path: path.stem)
def test_segment_and_rudderstack(path: Any) -> None:
    for call, wire, _ in calls.calls(path):
        events = read(segment.parse(wire, segment.PATHS[call], "k"))
        for event, message in zip(events, calls.messages(wire), strict=True):
            assert lost(message, [event]) == []


@pytest.mark.parametrize("name", others.EXPECTED)
def test_ga4_posthog_plausible_umami(name: str) -> None:
    events = others.read(name)
    for _, _, _, wire in others.requests(name):
        assert lost(json.loads(wire), events) == []


@pytest.mark.parametrize("name", dialects.SNOWPLOW)
def test_snowplow(name: str) -> None:
    for method, query, body in dialects.requests(dialects.FOLDER / "snowplow" / f"snowplow-{name}.json"):
        batches = snowplow.parse(body) if method == "POST" else snowplow.parse_query(query)
        sent = json.loads(body)["data"] if method == "POST" else [dict(parse_qsl(query))]
        for one in sent:
            for coded in {"ue_px", "cx"} & one.keys():
                one[coded] = json.loads(base64.urlsafe_b64decode(one[coded] + "=="))
        assert lost(sent, [event for batch in batches for event in read(batch)]) == []


@pytest.mark.parametrize("name", dialects.MATOMO)
def test_matomo(name: str) -> None:
    for _, query, body in dialects.requests(dialects.FOLDER / "matomo" / f"matomo-{name}.json"):
        asked = matomo.split(query, body)
        reader = matomo.reader(trusted=name == "import_logs", now=dialects.NOW)
        events = [reader(text) for hits in asked.hits for text in hits.texts]
        sent: Any = dict(parse_qsl(query))
        if body.startswith(b"{"):
            told = json.loads(body)["requests"]
            sent = [dict(parse_qsl(one.lstrip("?"))) if isinstance(one, str) else one for one in told]
        assert lost(sent, [one for one in events if isinstance(one, RawEvent)]) == []


def test_the_look_would_find_a_loss() -> None:
    event = RawEvent(type="track", name="x", props={"kept": "here"})
    assert lost({"properties": {"kept": "here", "other": "gone", "n": 17}}, [event]) == [
        "properties.other=gone",
        "properties.n=17",
    ]
