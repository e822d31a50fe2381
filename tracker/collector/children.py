"""Whether an event itself says that it is about a child (privacy: P-24): a page made for children, an age, a birthday.

What it says is only heard, never asked for, and only takes away. Under 16 counts in the opt-in regions and unknown
places (GDPR, Art. 8, whose countries say 13 to 16), under 13 elsewhere (COPPA).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tracker.collector.consent import Region
from tracker.core.event import RawEvent

PAGE_FLAG = "child_directed"
_BIRTHDAYS = ("birthday", "birthdate", "birth_date", "dateofbirth", "date_of_birth", "dob")
_DAY = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?!\d)")


def speaks_of_child(raw: RawEvent, region: Region, now_ms: int) -> bool:
    """True for a page flag, or for an age that is under the region's; 0 is no age, and anything odd says nothing."""
    if raw.props.get(PAGE_FLAG) is True:
        return True
    if not raw.traits:
        return False
    named = {str(name).lower(): value for name, value in raw.traits.items()}
    limit = 16 if region in (Region.OPT_IN, Region.UNKNOWN) else 13
    return any(1 <= age < limit for age in _ages(named, datetime.fromtimestamp(now_ms / 1000, UTC)))


def _ages(traits: Mapping[str, Any], today: datetime) -> list[float]:
    found: list[float] = []
    age = traits.get("age")
    if isinstance(age, str) and age.isascii() and age.isdigit() and len(age) < 4:
        age = int(age)
    if isinstance(age, int | float) and not isinstance(age, bool):
        found.append(age)
    for name in _BIRTHDAYS:
        born = traits.get(name)
        day = _DAY.match(born.strip()) if isinstance(born, str) else None
        if day is not None:
            year, month, number = (int(part) for part in day.groups())
            found.append(today.year - year - ((today.month, today.day) < (month, number)))
    return found
