"""Conversions and removals in words: which events go where, how uploads ended, who was not told of and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from dashboard import formats, questions, rules
from dashboard.client import Json

LATEST = 5
MODES = {"live": "Live", "test": "Test", "dry": "Dry run"}
RECALL = "recall"
EVENTS_WITHHELD = {
    "no_consent": "nobody agreed to advertising",
    "opted_out": "they said no",
    "suppressed": "they are on the suppression list",
    "no_measurement": "their consent string: no measuring",
    "erased": "they were erased",
    "no_identifier": "nothing to recognise them by",
    "no_value": "no value and currency",
    "too_old": "older than the network takes",
}


def events(conversion: Mapping[str, Any], names: Mapping[str, str]) -> list[list[str]]:
    """(event, where, the network's name of it); `names`: those the network has where none is given."""
    return [
        [
            formats.event_title(str(one["event"])),
            " and ".join(questions.filter_text(row) for row in one.get("where") or []) or "every one",
            str(one.get("send_as") or names.get(str(one["event"]), formats.NONE)),
        ]
        for one in conversion["events"]
    ]


def rhythm(conversion: Mapping[str, Any]) -> str:
    """How it is sent: by itself, or by hand."""
    every = conversion.get("every")
    return f"live, every {formats.window_text(str(every))}" if every else "only by hand"


def latest(exports: Sequence[Json], conversion: str, zone: tzinfo) -> list[list[str]]:
    """The last uploads: when, mode, how it ended, told, told before, withheld."""
    mine = [one for one in exports if one.get("audience") == conversion][:LATEST]
    return [
        [
            formats.when(formats.moment(one.get("created"), zone)),
            MODES.get(str(one.get("mode")), str(one.get("mode"))),
            ended(one),
            formats.number(taken(one)),
            formats.number(int(_counts(one).get("unchanged") or 0)),
            formats.number(sum((_counts(one).get("withheld") or {}).values())),
        ]
        for one in mine
    ]


def ended(export: Json) -> str:
    """`Done`, `Running`, or that it failed and why."""
    if export.get("state") == "failed":
        error = export.get("error") or {}
        why = error.get("message") if isinstance(error, dict) else error
        return f"Failed: {why or 'the reason is in the log of the service'}"
    refused = _counts(export).get("refused")
    state = rules.sentence(str(export.get("state") or ""))
    return f"{state}, {formats.number(refused)} refused" if isinstance(refused, int) and refused else state


def taken(export: Json) -> int:
    """How many events the network took."""
    return int(_counts(export).get("written") or 0) - int(_counts(export).get("refused") or 0)


def withheld(export: Json) -> list[tuple[str, float, str]]:
    """Bars of the reasons for which events were not told, the most frequent first."""
    counts = _counts(export)
    reasons = [*(counts.get("withheld") or {}).items(), *(counts.get("refused_for") or {}).items()]
    reasons.sort(key=lambda one: -one[1])
    said = [(EVENTS_WITHHELD.get(reason, reason.replace("_", " ")), count) for reason, count in reasons if count]
    return [(rules.sentence(why), float(count), formats.number(count)) for why, count in said]


def taken_back(exports: Sequence[Json], waiting: Sequence[Json]) -> list[Json]:
    """The last removal of each deleted audience at each place that is over: the other side has said yes to all."""
    still = {_line(one) for one in waiting}
    over: dict[tuple[str, ...], Json] = {}
    for one in exports:  # the newest first
        if one.get("mode") == RECALL and one.get("state") == "done" and _line(one) not in still:
            over.setdefault(_line(one), one)
    return list(over.values())


def _line(one: Json) -> tuple[str, ...]:
    return (str(one.get("audience")), str(one.get("network")), str(one.get("destination")))


def _counts(export: Json) -> Json:
    return export.get("counts") or {}
