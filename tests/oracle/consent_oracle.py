"""The decision table a second time, row by row and in its own words: the gate must say the same.

For a browser at an `opt-in` site that says nothing in words of its own. Modes are numbers: M0 0, M1 1, M1S 2, M2 3,
M3 4, M4 5. Purposes are a set; None without a TC string, "invalid" for one that counts no more.
"""

from __future__ import annotations

from typing import NamedTuple

M0, M1, M1S, M2, M3, M4 = range(6)


class Case(NamedTuple):
    """`vendors`: the site's networks that the string allows; `us`: None, "out", "not_out", "invalid", "protected"."""

    region: str
    flags: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    purposes: frozenset[int] | str | None = None
    vendors: tuple[int, ...] = ()
    gpc: bool = False
    us: str | None = None


def mode(case: Case) -> int:
    """min(caps C1 to C6 that apply, the first row of the region that fits)."""
    eea = case.region in ("EEA", "unknown") or "always_eea" in case.flags
    return min([_row(case, eea), *_caps(case, eea)])


def _caps(case: Case, eea: bool) -> list[int]:
    caps = []
    if case.states & {"erased", "legal"}:
        caps.append(M0)  # C1
    if "child_directed" in case.flags or "child" in case.states:
        caps.append(M1)  # C2
    if "withdrawn" in case.states:
        caps.append(M0 if eea else M1)  # C3
    if "unreadable" in case.states:
        caps.append(M1)  # C4
    if case.gpc or "opted_out" in case.states:
        caps.append(M2)  # C6, 5, 13, 14, 17, 20
    if case.us in ("out", "invalid", "protected") or case.purposes == "invalid":
        caps.append(M2)  # 12, 14, 15
    if "sensitive" in case.flags:
        caps.append(M2)  # 12
    if "service_provider_only" in case.flags:
        caps.append(M3)  # P-23
    return caps


def _row(case: Case, eea: bool) -> int:
    agreed = case.purposes
    given = agreed is not None and agreed != "invalid"
    if eea and (not given or 1 not in agreed):
        # Row 1 also where only purpose 1 is missing: else who agrees to less would be allowed more (rows 3 and 4).
        if "exempt_measurement" in case.flags and not case.gpc:
            return M1S
        return M1 if given and agreed else M0
    if given:
        assert not isinstance(agreed, str)
        return _string(agreed, case.vendors) if agreed is not None and 1 in agreed else M2
    if case.region in ("US", "US opt-out state"):
        return M4 if "share_in_us" in case.flags else M3  # 16, 18
    return M4 if "share_elsewhere" in case.flags else M2  # 21


def _string(purposes: frozenset[int] | None, vendors: tuple[int, ...]) -> int:
    assert purposes is not None
    if 3 not in purposes:
        return M2  # 6, 7, 8
    if 4 not in purposes:
        return M3  # 9
    return M4 if vendors else M3  # 11, 10
