"""ClickHouse error codes -> our errors, sorted by what the caller must do.

Texts of ClickHouse can quote SQL, values and hosts, so none of them reaches a message of ours: only the symbolic name
of the error does. Source of codes and names: src/Common/ErrorCodes.cpp of ClickHouse.
"""

from __future__ import annotations

import re

from tracker.core.errors import BadRequest, Broken, Doubtful, Refused, TrackerError, TryLater

_NAME = re.compile(r"\(([A-Z][A-Z0-9_]{3,})\)")
_CODE = re.compile(r"Code: (\d+)\.")

# The caller's own value cannot be read.
_VALUE = {
    427: "the regular expression cannot be read",
    457: "a value has the wrong type",
    36: "a value is out of its range",
    43: "a value has the wrong type for this comparison",
    53: "a value has the wrong type for this comparison",
    386: "the values have no common type",
    407: "a number is out of range",
}
# The content of an insert cannot be stored, whoever sends it and however often.
_CONTENT = frozenset(
    (
        6, 25, 26, 27, 33, 34, 38, 41, 53, 69, 70, 72, 117, 129, 130, 131, 135, 190, 306, 321, 349, 351, 376, 395, 407,
        469, 641,
    )
)  # fmt: skip
# Away, full or busy: the same request may succeed later.
_LATER = frozenset(
    (
        3, 159, 160, 164, 192, 194, 198, 201, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285,
        297, 394, 410, 425, 459, 473, 499, 516, 519, 571, 574, 700, 725, 999, 1000,
    )
)  # fmt: skip
_MEMORY = 241
OWN_MEMORY = "QUERY_MEMORY_LIMIT_EXCEEDED"
"""The name where a question went over `max_memory_usage`, its own limit, and not the whole engine over its."""
_OWN = ("Query memory limit exceeded", "memory limit (for query) exceeded", "Memory limit (for query) exceeded")
_UNKNOWN_OUTCOME = frozenset((319,))  # UNKNOWN_STATUS_OF_INSERT


def code_of(message: str) -> int:
    """The numeric code in a ClickHouse text, 0 where there is none."""
    found = _CODE.search(message)
    return int(found[1]) if found else 0


def name_of(message: str) -> str:
    """The symbolic name in a ClickHouse text, like `CANNOT_PARSE_NUMBER`."""
    names = _NAME.findall(message)
    return str(names[-1]) if names else "UNKNOWN"


def precise(code: int, name: str, message: str) -> str:
    """The name, or `OWN_MEMORY` where the message says so: ClickHouse has one code for both limits."""
    return OWN_MEMORY if code == _MEMORY and any(one in message for one in _OWN) else name


def translate(code: int, name: str, *, inserting: bool) -> TrackerError:
    """The error to raise for a ClickHouse error. `inserting`: content arrived with the statement."""
    if code in _UNKNOWN_OUTCOME:
        return Doubtful(f"ClickHouse does not know whether it stored the rows ({name})")
    if inserting and code in _CONTENT:
        return Refused(f"ClickHouse refused the rows ({name})")
    if code in _LATER:
        return TryLater(f"ClickHouse cannot do this now ({name})")
    if not inserting and code in _VALUE:
        return BadRequest(f"{_VALUE[code]} ({name})", code="bad_value")
    return Broken(f"ClickHouse could not run a statement ({name}, code {code})")
