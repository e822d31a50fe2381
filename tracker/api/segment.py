"""Segments: a report about some of the people, `"segment"` in the body of any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tracker.analytics.funnel_compare import COMPARE_SAID
from tracker.api.audiences import lookup
from tracker.api.call import Asker
from tracker.audiences import membership
from tracker.audiences.definition import Definition, define
from tracker.core.errors import BadRequest
from tracker.core.site import Site
from tracker.store.among import Among
from tracker.store.engine import Engine
from tracker.store.filters import UnknownKey

KEY = "segment"
PLACES = ("", "funnel")
"""Of a body, where it may stand."""
T = TypeVar("T")


def split(body: Mapping[str, Any]) -> tuple[dict[str, Any], object]:
    """The body without its segment, and the segment (None: everybody). It may stand beside `funnel` or in it.

    Raises BadRequest where it stands in both.
    """
    rest = dict(body)
    segment, inner = rest.pop(KEY, None), rest.get("funnel")
    if isinstance(inner, Mapping) and KEY in inner:
        rest["funnel"] = dict(inner)
        within = rest["funnel"].pop(KEY)
        if None not in (segment, within):
            raise BadRequest("segment stands beside funnel and in it; leave one out", field=KEY)
        segment = within if segment is None else segment
    return rest, segment


def split_compared(body: Mapping[str, Any]) -> tuple[dict[str, Any], object]:
    """The body without a `compare` that names a segment, and that segment (None: it names none).

    For funnels that can be compared. Raises BadRequest where `compare` is another object.
    """
    compare = body.get("compare")
    if not isinstance(compare, Mapping):
        return dict(body), None
    if list(compare) != [KEY] or compare[KEY] is None:
        raise BadRequest(COMPARE_SAID, field="compare")
    return {name: value for name, value in body.items() if name != "compare"}, compare[KEY]


def beside(parse: Callable[..., T], body: object, *path: str) -> T:
    """What `parse` makes of a body without its segment; where it refuses a key, it names `segment` among the others.

    Raises BadRequest.
    """
    try:
        return parse(body, *path)
    except UnknownKey as refused:
        raise refused.allowing((*refused.allowed, KEY)) if refused.inside in PLACES else refused from None


def checked(asker: Asker, site: Site, segment: object) -> Definition:
    """An audience's id, a rule, or a list of filters on the person, as a definition. Raises BadRequest."""
    if isinstance(segment, str):
        rule: object = {"in": segment}
    elif isinstance(segment, Sequence) and segment:
        rule = {"all": [{"property": one} for one in segment]}
    else:
        rule = segment
    if not isinstance(rule, Mapping):
        raise BadRequest("segment must be the id of an audience, a rule, or a list of filters", field=KEY)
    return define(site.name, rule, lookup=lookup(asker, site.name, KEY), field=KEY)


def engine_of(asker: Asker, site: Site, segment: object) -> Engine:
    """The engine to ask for a report: the whole store, or the events of those in the segment as of now."""
    if segment is None:
        return asker.engine
    definition = checked(asker, site, segment)
    return Among(asker.engine, membership.matching(asker.engine, definition, asker.services.now_ms()))


def others_of(engine: Engine) -> Engine:
    """The engine for everybody who is not in the segment of `engine`."""
    return engine.but() if isinstance(engine, Among) else engine
