"""Every way in which a received event may end other than stored. Each has a counter and a test."""

from __future__ import annotations

import enum


class Reject(enum.StrEnum):
    """The event itself is unusable: kept with its reason, listed, replayable."""

    UNREADABLE = "unreadable"  # not JSON, not an object, or a number or text no store can hold
    NO_NAME = "no_name"  # a track call without an event name
    BAD_TYPE = "bad_type"  # unknown call type
    BAD_FIELD = "bad_field"  # a field of the wrong type, too long or out of range
    NO_PERSON = "no_person"  # neither visitor nor user
    BAD_TIME = "bad_time"  # a time that is no time, or outside 1971..2105
    EVENT_TOO_LARGE = "event_too_large"  # over 32 kB
    TOO_MANY_KEYS = "too_many_keys"  # more than 256 properties
    TOO_DEEP = "too_deep"  # nested deeper than 16
    STORE_REFUSED = "store_refused"  # ClickHouse refused the row; found by bisecting


class Suppress(enum.StrEnum):
    """Nobody agreed to it: only a count is kept."""

    NO_CONSENT = "no_consent"  # opt-in site, no consent given
    REFUSED = "refused"  # consent denied
    SUPPRESSED = "suppressed"  # the person is on the suppression list
    CONTEXTUAL = "contextual"  # only a count without a person was allowed: no consent to storage on the device
    CHILD = "child"  # a site for children, or a person known to be a child
    LIST_UNREADABLE = "list_unreadable"  # the suppression list cannot be read, so that anybody may be on it
