"""The manifest of an export: what is in its files and how they came about.

The same wherever the files are: in a zip, at a destination, and in the API for one file that lies alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

from tracker.audiences.rules import Rule
from tracker.catalog.exports import Export, described
from tracker.core.period import rfc3339

_OURS = ("ends", "understood", "made_ms")  # what the ledger and a stop need to know


def manifest(export: Export) -> dict[str, Any]:
    """All that is known of a finished export but where its persons are: counts by reason, rule, versions, files.

    `rule_version` and `rule_sha256` are there where members of an audience were judged; `versions` tells what they are.
    """
    details = {name: value for name, value in export.details.items() if name not in _OURS}
    return {
        "export": export.id,
        "site": export.site,
        "audience": export.audience,
        "network": export.network,
        "mode": export.mode,
        "shape": export.details.get("shape", "file"),
        "destination": export.destination,
        "counts": export.counts,
        "made": rfc3339(int(export.details.get("made_ms", export.created_at))),
        **details,
        "files": described(export.files),
    }


def judged_by(rule: Rule, changed_at: int) -> dict[str, str]:
    """What an export keeps of the resolved rule that its persons were judged by, and of when its audience was changed
    last (milliseconds): `rule_version` and `rule_sha256`.
    """
    return {"rule_version": rfc3339(changed_at), "rule_sha256": hashlib.sha256(repr(rule).encode()).hexdigest()}


def versions(export: Export) -> dict[str, str | None]:
    """`version`: of this program. `rule_version`: when the audience had been changed last, as its `updated` says.
    `rule_sha256`: of its rule, with the audiences that it names put in; where it is the same, so was the rule.

    None where it is not done; the last two also where nobody is judged by a rule (conversions, audiences taken back).
    """
    return {name: export.details.get(name) for name in ("version", "rule_version", "rule_sha256")}
