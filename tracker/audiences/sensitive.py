"""Special categories stay in the house by default (privacy rules, P-46): of audiences, lists and conversions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracker.catalog import Catalog
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.conversions import StoredConversion
from tracker.core.errors import Conflict, NotFound
from tracker.core.sensitive import categories

_DEEPEST = 30


def found(catalog: Catalog, subject: StoredAudience | StoredConversion) -> list[str]:
    """Categories that its name suggests, or what its rule or its events ask for; of audiences it is made of too."""
    body = subject.rule if isinstance(subject, StoredAudience) else list(subject.events)
    return categories([subject.name, *_texts(catalog, body, {subject.id})])


def refusal(catalog: Catalog, subject: StoredAudience | StoredConversion) -> Conflict | None:
    """Why it may not leave the house; None where it may."""
    which = found(catalog, subject)
    if not which or catalog.sensitive.declared(subject.id) is not None:
        return None
    return Conflict(
        f"this is about {', '.join(which)}: it stays in the house until an admin declares the legal ground "
        f"(PUT /api/v1/sensitive/{subject.id})",
        code="sensitive",
    )


def _texts(catalog: Catalog, value: Any, seen: set[str], depth: int = 0) -> Iterator[str]:
    """Every text in it, keys that name something too."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(catalog, one, seen, depth + 1)
    elif isinstance(value, dict):
        other = value.get("in")
        if isinstance(other, str) and other not in seen:
            seen.add(other)
            try:
                audience = catalog.audiences.get(other)
            except NotFound:
                audience = None
            if audience is not None:
                yield audience.name
                yield from _texts(catalog, audience.rule, seen, depth + 1)
        for one in value.values():
            yield from _texts(catalog, one, seen, depth + 1)
