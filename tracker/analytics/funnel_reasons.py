"""Why people drop at a step: what they did instead, met and said, and who they are, beside those who went on.

Definitions: `docs/reports.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.analytics import funnel_spec, request
from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_hits import NOBODY, UNITS
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.paths_spec import PAGE
from tracker.analytics.significance import p_value, q_values
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, counted, property_text

LISTS = ("next_events", "next_pages", "exit_pages", "errors", "slow_pages", "answers", "feedback", "properties")
MAX_COMPARED = 2000
"""Most values of a list that are compared: those that most people of both groups share."""

LOOKBACK_MS = 86_400_000
"""How long before the attempt a visit may have begun, with its landing page and campaign."""

_PROPERTIES = "country device browser os channel referrer_host utm_source utm_medium utm_campaign".split()
_LONGEST = 300
_PAGE_VIEW = "page_view"
_TROUBLE = ("js_error", "page_not_found", "web_vital", "survey_answered", "feedback_sent")
"""Events that tell of trouble or opinion (`_occurrence`): the only ones whose `props` are read."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `limit` is the most rows of a list in the answer."""

    funnel: Funnel
    step: int
    limit: int = 20


def parse(body: object) -> Spec:
    """Check a funnel without a breakdown (flat, or as `funnel`) with `step` and `limit`. Raises BadRequest."""
    funnel, path, given = funnel_spec.parse_with(body, ("step", "limit"))
    if funnel.breakdown is not None:
        raise BadRequest("reasons have no breakdown; filter the steps instead", field=f"{path}breakdown")
    if "step" not in given:
        raise BadRequest("step must say at which step they dropped", field="step")
    return Spec(
        funnel=funnel,
        step=request.whole(given, "step", 1, (1, len(funnel.steps) - 1)),  # nobody drops at the last
        limit=request.whole(given, "limit", 20, (1, MAX_COMPARED)),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"step", "dropped", "went_on"}` (units) and a list `{"total", "compared", "rows"}` for each of `LISTS`."""
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in ("groups", *LISTS)}
    rows = engine.ask(_query(engine, spec)).dicts()
    texts = _texts(engine, spec, rows)
    for row in rows:
        if row["hash"]:
            row["value"] = texts[_column(row), row["hash"]]
        found[row["list"]].append(row)
    sizes = (found["groups"][0]["dropped"], found["groups"][0]["went_on"]) if found["groups"] else (0, 0)
    answer: dict[str, Any] = {"step": spec.step, "dropped": sizes[0], "went_on": sizes[1]}
    for name in LISTS:
        rows = _compared(found[name], sizes)
        total = found[name][0]["total"] if found[name] else 0
        compared = len(rows)
        if name == "properties":
            rows = [row for row in rows if row["dropped_share"] > row["went_on_share"]]
            rows.sort(key=lambda row: (row["p_value"], -row["dropped"], row["name"], row["value"]))
        else:
            rows.sort(key=lambda row: (-row["dropped"], -row["went_on"], row["name"], row["value"]))
        answer[name] = {"total": total, "compared": compared, "rows": rows[: spec.limit]}
    return answer


def _compared(rows: Iterable[Mapping[str, Any]], sizes: tuple[int, int]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        shares = [row[group] / size if size else 0.0 for group, size in zip(("dropped", "went_on"), sizes, strict=True)]
        found.append(
            {
                **{name: row[name] for name in ("name", "value", "dropped", "went_on")},
                "dropped_share": shares[0],
                "went_on_share": shares[1],
                "lift": shares[0] / shares[1] if shares[1] else None,
                "p_value": p_value(row["dropped"], sizes[0], row["went_on"], sizes[1]),
            }
        )
    corrected = q_values([row["p_value"] for row in found])
    return [{**row, "q_value": q_value} for row, q_value in zip(found, corrected, strict=True)]


def _query(engine: Engine, spec: Spec) -> Any:
    funnel, step, params = spec.funnel, spec.step, Params("o")
    events = events_source(engine)
    found = attempts(engine, funnel, events)
    tries = Fragment(
        f"select unit, reached < {2**step} as lost, toInt64(at[1]) + {{from:Int64}} as begin_ms,"  # noqa: S608
        f" toInt64(at[{step}]) + {{from:Int64}} as at_ms from ({found.text}) where bitTest(reached, {step - 1})",
        found.params,
    )
    linked = funnel.count_by == "person" and persons.linked(engine, funnel.site)
    pairs = ", ".join(f"('properties', '{name}', '', {name}_seen)" for name in _PROPERTIES)
    page = f"if(event = '{_PAGE_VIEW}', {_hash(PAGE)}, 0) as page_hash"
    hashes = ", ".join([page, *(f"{_hash(column)} as {column}_hash" for column in ("event", "session", *_PROPERTIES))])
    return fill(
        load(__package__, "funnel_reasons"),
        {
            "hashes": Fragment(hashes),
            "occurrence": Fragment(_occurrence(params), params.values),
            "seen": _seen(funnel, events),
            "tries": persons.spread(tries, linked=linked),
            "properties": Fragment(pairs),
        },
        {**_bounds(funnel), "span": funnel.window, "values": MAX_COMPARED},
    )


def _bounds(funnel: Funnel) -> dict[str, Param]:
    return {
        "site": funnel.site,
        "from": funnel.range.start,
        "until": funnel.range.end - 1 + funnel.window,
        "lookback": LOOKBACK_MS,
    }


def _hash(text: str) -> str:
    """SQL: what stands for a text, 0 for none."""
    return f"cast(if({text} = '', 0, xxHash64({text})), 'UInt64')"


def _column(row: Mapping[str, Any]) -> str:
    """What the value of a row is: `page`, `event` or a property of events."""
    return "page" if row["name"] == "landing_page" else str(row["name"])


def _texts(engine: Engine, spec: Spec, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """(column, hash) -> the text, of all in the rows."""
    wanted: dict[str, set[int]] = {}
    for row in rows:
        if row["hash"]:
            wanted.setdefault(_column(row), set()).add(row["hash"])
    if not wanted:
        return {}
    events, queries, params = events_source(engine), [], dict[str, Param]()
    for column, hashes in sorted(wanted.items()):
        text, which = (PAGE, f"event = '{_PAGE_VIEW}'") if column == "page" else (column, "true")
        params[f"of_{column}"] = sorted(hashes)
        slots = {
            "name": f"'{column}'",
            "text": text,
            "which": which,
            "wanted": f"{{of_{column}:Array(UInt64)}}",
            "most": str(len(hashes)),
            "hash": _hash(text),
            "hash_of": _hash("text"),
        }
        fragments = {name: Fragment(sql) for name, sql in slots.items()}
        queries.append(fill(load(__package__, "funnel_reasons_texts"), {**fragments, "events": events}))
        params.update(queries[-1].params)
    text = " union all ".join(f"select * from ({one.text})" for one in queries)  # noqa: S608 - text of our own
    told = engine.ask(Query(text=text, params={**_bounds(spec.funnel), **params})).rows
    return {(column, hashed): value for column, value, hashed in told}


def _seen(funnel: Funnel, events: Fragment) -> Fragment:
    """The events of the range by stored key (visitor, session), those with long texts apart."""
    texts = ", ".join(f"'{name}'" for name in (_PAGE_VIEW, *_TROUBLE))
    trouble = ", ".join(f"'{name}'" for name in _TROUBLE)
    parts = (
        (f"event not in ({texts})", "''", "''"),
        (f"event = '{_PAGE_VIEW}'", "path", "''"),
        (f"event in ({trouble})", "path", "props"),
    )
    queries = [
        fill(
            load(__package__, "funnel_reasons_seen"),
            {
                "unit": Fragment("key" if funnel.count_by == "person" else UNITS[funnel.count_by]),
                "path": Fragment(path),
                "props": Fragment(props),
                "events": events,
                "counted": counted([one for each in funnel.steps for one in each.any_of]),
                "nobody": Fragment(NOBODY[funnel.count_by]),
                "which": Fragment(which),
            },
        )
        for which, path, props in parts
    ]
    text = " union all ".join(f"select * from ({one.text})" for one in queries)  # noqa: S608 - text of our own
    return Fragment(text, queries[0].params)


def _occurrence(params: Params) -> str:
    """SQL: what an event tells of trouble or opinion, as (list, name, value); of three empty texts where nothing."""

    def prop(name: str) -> str:
        return f"leftUTF8({property_text(f'props.{name}', params)}, {_LONGEST})"

    cases = (
        ("event = 'js_error'", f"('errors', 'js_error', {prop('message')})"),
        ("event = 'page_not_found'", f"('errors', 'page_not_found', {PAGE})"),
        (f"event = 'web_vital' and {prop('rating')} = 'poor'", f"('slow_pages', {prop('metric')}, {PAGE})"),
        ("event = 'survey_answered'", f"('answers', {prop('survey')}, {prop('score')})"),
        ("event = 'feedback_sent'", f"('feedback', {prop('topic')}, {prop('rating')})"),
    )
    return f"multiIf({', '.join(f'{test}, {fact}' for test, fact in cases)}, ('', '', ''))"
