"""The IAB's own encoders and decoders of consent strings, in Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

NODE = Path(__file__).parent / "consent_strings"


def reference(**asked: Any) -> dict[str, Any]:
    """`reference.mjs` says what can be asked."""
    done = subprocess.run(
        ["node", "reference.mjs"], cwd=NODE, input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tc_string(purposes: list[int], vendors: list[int], now_ms: int) -> str:
    """A TC string of TCF 2.3 as a manager writes it on the day `now_ms`, for one site."""
    plain = {
        "cmpId": 10,
        "cmpVersion": 1,
        "consentScreen": 1,
        "consentLanguage": "EN",
        "vendorListVersion": 100,
        "policyVersion": 5,
        "isServiceSpecific": True,
        "publisherCountryCode": "DE",
    }
    vectors = {"purposeConsents": purposes, "vendorConsents": vendors, "vendorsDisclosed": [10, 755]}
    model = {"plain": plain, "vectors": vectors, "restrictions": [], "segments": [0, 1]}
    [text] = reference(tcf=[{**model, "created": now_ms, "updated": now_ms}])["tcf"]
    return str(text)
