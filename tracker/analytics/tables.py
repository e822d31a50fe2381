"""A report's answer as one flat table: CSV (RFC 4180, UTF-8, header) or an Arrow stream. Columns: `docs/reports.md`.

In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front; Arrow carries it as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from tracker.core.errors import BadRequest

Row = Mapping[str, Any]
_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_FUNNEL = {
    "part": _TEXT,
    "value": _TEXT,
    "step": _WHOLE,
    "name": _TEXT,
    "event": _TEXT,
    "count": _WHOLE,
    "dropped": _WHOLE,
    "from_previous": _REAL,
    "from_first": _REAL,
    "seconds_average": _REAL,
    "seconds_median": _REAL,
}
_WORTH = {
    "worth": _REAL,
    **dict.fromkeys(("orders", "orders_unknown"), _WHOLE),
    **dict.fromkeys(("average_order", "worth_per_unit", "lost", "lost_low", "lost_high"), _REAL),
    "currency": _TEXT,
}
_PEOPLE = {
    **dict.fromkeys(("person", "visitor", "user", "last_seen", "last_event", "country", "device", "channel"), _TEXT),
    "visits": _WHOLE,
}
_REASONS = {
    **dict.fromkeys(("list", "name", "value"), _TEXT),
    **dict.fromkeys(("dropped", "went_on"), _WHOLE),
    **dict.fromkeys(("dropped_share", "went_on_share", "lift", "p_value", "q_value"), _REAL),
}
_LIVE = {
    **dict.fromkeys(("ts", "event", "person", "url", "country", "device", "channel"), _TEXT),
    "value": _REAL,
    "currency": _TEXT,
}
_RETENTION = {
    **dict.fromkeys(("part", "value", "cohort"), _TEXT),
    **dict.fromkeys(("size", "period", "people"), _WHOLE),
}
_PATHS = {"step": _WHOLE, "source": _TEXT, "target": _TEXT, "people": _WHOLE, "seconds_average": _REAL}
_DAYS = {"date": _TEXT, **dict.fromkeys(("people", "events", "page_views", "purchases"), _WHOLE)}


def to_csv(report: str, answer: Row) -> bytes:
    """The table as CSV. Raises BadRequest where the report has no table."""
    columns, rows = table(report, answer)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue().encode()


def to_arrow(report: str, answer: Row) -> bytes:
    """The table as an Arrow IPC stream. Raises BadRequest where the report has no table."""
    columns, rows = table(report, answer)
    schema = pa.schema(list(columns.items()))
    made = pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in columns.items()}, schema)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(made)
    return sink.getvalue()


def table(report: str, answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Columns with their Arrow types, and rows."""
    maker = _TABLES.get(report)
    if maker is None:
        raise BadRequest(f"the report {report} has no table form: ask for application/json", field="Accept")
    return maker(answer)


def _funnel(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    said = answer.get("worth")
    parts = [("total", "", answer["steps"])]
    parts += [("breakdown", part["value"], part["steps"]) for part in answer.get("breakdown", ())]
    if "steps" in answer.get("comparison", ()):
        parts.append((answer["comparison"]["with"], "", answer["comparison"]["steps"]))
    rows = [
        {
            **step,
            "part": part,
            "value": value,
            "seconds_average": step["seconds_from_previous"]["average"],
            "seconds_median": step["seconds_from_previous"]["median"],
            **(_worth(step["worth"], said["currency"]) if said else {}),
        }
        for part, value, steps in parts
        for step in steps
    ]
    return {**_FUNNEL, **(_WORTH if said else {})}, rows


def _worth(worth: Row, currency: str) -> dict[str, Any]:
    lost = worth["lost"] or dict.fromkeys(("expected", "low", "high"))
    return {
        "worth": worth["value"],
        "orders": worth["orders"],
        "orders_unknown": worth["unknown"],
        "average_order": worth["average_order"],
        "worth_per_unit": worth["per_unit"],
        **{"lost": lost["expected"], "lost_low": lost["low"], "lost_high": lost["high"]},
        "currency": currency,
    }


def _people(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return _PEOPLE, [{**person, **person["props"]} for person in answer["people"]]


def _trend(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    said = {"worth": answer["worth"]} if "worth" in answer else {}
    points = [(point["start"], *_funnel({**point, **said})) for point in answer["series"]]
    columns = {"start": _TEXT, **_FUNNEL, **(_WORTH if said else {})}
    return columns, [{"start": start, **row} for start, _, rows in points for row in rows]


def _time(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return dict.fromkeys(("from", "to", "count"), _WHOLE), list(answer["bins"])


def _reasons(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lists = [(name, part["rows"]) for name, part in answer.items() if isinstance(part, Mapping)]
    return _REASONS, [{"list": name, **row} for name, rows in lists for row in rows]


def _live(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return _LIVE, list(answer["events"])


def _timeseries(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return {"start": _TEXT, "value": _REAL}, list(answer["series"])


def _anomalies(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    figures = dict.fromkeys(("value", "usual", "score"), _REAL)
    return {"start": _TEXT, **figures, "unusual": pa.bool_()}, list(answer["series"])


def _lifecycle(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    states = ("new", "returning", "resurrecting", "dormant")
    return {"start": _TEXT, **dict.fromkeys(states, _WHOLE)}, list(answer["periods"])


def _stickiness(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rows = [
        {"start": period["start"], "active_on": number, "people": people}
        for period in answer["periods"]
        for number, people in enumerate(period["active"], 1)
    ]
    return {"start": _TEXT, "active_on": _WHOLE, "people": _WHOLE}, rows


def _attribution(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return {"key": _TEXT, **dict.fromkeys(("conversions", "value", "cost", "cac", "roas"), _REAL)}, list(answer["rows"])


def _rfm(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kinds = {"people": _WHOLE, "purchases": _WHOLE, "value": _REAL, "share": _REAL, "days_since_purchase": _REAL}
    return {"segment": _TEXT, **kinds}, list(answer["segments"])


def _ltv(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    columns = {"part": _TEXT, "key": _TEXT, **dict.fromkeys(("buyers", "purchases"), _WHOLE)}
    columns |= dict.fromkeys(("value", "ltv", "cost", "cac", "ltv_to_cac"), _REAL)
    rows = [{**row, "part": "cohort", "key": row["start"]} for row in answer["cohorts"]]
    return columns, rows + [{**row, "part": "channel", "key": row["channel"]} for row in answer["channels"]]


def _predicted(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    figures = ("alive", "churned", "purchases", "value", "ltv")
    rows = [{"figure": name, **answer[name]} for name in figures if answer[name] is not None]
    return {"figure": _TEXT, **dict.fromkeys(("expected", "low", "high"), _REAL)}, rows


def _predicted_people(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kinds = {"channel": _TEXT, "purchases_so_far": _WHOLE}
    kinds |= dict.fromkeys(("value_so_far", "churn", "purchases", "value"), _REAL)
    return {**dict.fromkeys(("person", "visitor", "user"), _TEXT), **kinds}, list(answer["people"])


def _overview(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    currencies = sorted({currency for day in answer["series"] for currency in day["revenue"]})
    columns = {**_DAYS, **{f"revenue_{currency}": _REAL for currency in currencies}}
    rows = [
        {**day, **{f"revenue_{currency}": day["revenue"].get(currency, 0.0) for currency in currencies}}
        for day in answer["series"]
    ]
    return columns, rows


def _retention(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    parts = [("total", "", answer["cohorts"])]
    parts += [("breakdown", part["value"], part["cohorts"]) for part in answer.get("breakdown", ())]
    rows = [
        {
            "part": part,
            "value": value,
            "cohort": cohort["start"],
            "size": cohort["size"],
            "period": at,
            "people": people,
        }
        for part, value, cohorts in parts
        for cohort in cohorts
        for at, people in enumerate(cohort["returned"])
    ]
    return _RETENTION, rows


def _paths(answer: Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return _PATHS, list(answer["edges"])


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


_TABLES: dict[str, Callable[[Row], tuple[dict[str, Any], list[dict[str, Any]]]]] = {
    "funnel": _funnel,
    "funnel/people": _people,
    "funnel/trend": _trend,
    "funnel/time": _time,
    "funnel/reasons": _reasons,
    "live": _live,
    "timeseries": _timeseries,
    "anomalies": _anomalies,
    "overview": _overview,
    "retention": _retention,
    "paths": _paths,
    "lifecycle": _lifecycle,
    "stickiness": _stickiness,
    "attribution": _attribution,
    "rfm": _rfm,
    "ltv": _ltv,
    "ltv/predicted": _predicted,
    "ltv/people": _predicted_people,
}
