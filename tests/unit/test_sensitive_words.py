"""Which words suggest a special category, and which do not."""

from __future__ import annotations

import pytest

from tracker.core.sensitive import categories

WORDS = [
    ("Viewed HIV test kits", ["health"]),
    ("/shop/diabetes-care/", ["health"]),
    ("Schwangerschaft", ["health"]),
    ("church_donors", ["religion"]),
    ("political newsletter", ["politics"]),
    ("lgbtq travel", ["sexuality"]),
    ("Trade Union members", ["trade union"]),
    ("payday-loan seekers", ["financial hardship"]),
    ("props.latitude", ["precise location"]),
    ("Seite: enceinte, surendettement", ["health", "financial hardship"]),
    ("cart abandoned", []),
    ("visualaids, aidsx", []),
    ("gayle's jeans", []),
    ("churchill books", []),
    ("European union flag", []),
    ("view_item", []),
    ("selection of selections", []),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_words(text: str, expected: list[str]) -> None:
    assert categories([text]) == expected
