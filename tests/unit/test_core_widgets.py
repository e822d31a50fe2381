"""What a site may ask of its widgets, and what it may not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tracker.core.pixel import PixelSettings
from tracker.core.site import Site
from tracker.core.widgets import Banner, Callback, Feedback, Look, Question, Survey
from tracker.pixel import bundle

CUSTOM = {"id": "own", "kind": "custom", "question": "Why?"}
CHOICE = {"id": "q", "type": "choice", "text": "What?", "options": [{"id": "a", "text": {"en": "A", "de": "Ah"}}]}

WRONG = [
    ({"surveys": [{"id": "a b", "kind": "nps"}]}, "surveys"),
    ({"surveys": [{"id": "a", "kind": "stars"}]}, "kind"),
    ({"surveys": [{"id": "a", "kind": "nps"}, {"id": "a", "kind": "csat"}]}, "survey a is there twice"),
    ({"surveys": [CUSTOM]}, "a custom survey needs"),
    ({"surveys": [{**CUSTOM, "questions": [CHOICE, CHOICE]}]}, "question q is there twice"),
    ({"surveys": [{"id": "a", "kind": "nps", "questions": [CHOICE]}]}, "questions are for a custom survey"),
    ({"surveys": [{**CUSTOM, "questions": [{**CHOICE, "options": []}]}]}, "a choice needs them"),
    ({"surveys": [{**CUSTOM, "questions": [{**CHOICE, "type": "text"}]}]}, "options are for a choice"),
    ({"surveys": [{"id": "a", "kind": "nps", "share": 1.5}]}, "share"),
    ({"surveys": [{"id": "a", "kind": "nps", "share": -0.1}]}, "share"),
    ({"callback": {"slots": ["9-12"]}}, "slots"),
    ({"callback": {"slots": ["09:00-24:00"]}}, "slots"),
    ({"callback": {"timezone": "Europe/Berlin;x"}}, "timezone"),
    ({"banner": {"days": 179}}, "days"),
    ({"banner": {"days": 396}}, "days"),
    ({"banner": {"policy": "javascript:alert(1)"}}, "policy"),
    ({"banner": {}, "cmp": ["tcf"]}, "needs no banner"),
    ({"look": {"colour": "red;}*{display:none"}}, "colour"),
    ({"look": {"font": "x}*{display:none"}}, "font"),
    ({"look": {"radius": 33}}, "radius"),
    ({"language": "english"}, "language"),
    ({"texts": {"de": {"banner.Title": "x"}}}, "texts"),
    ({"texts": {"de": {"other.title": "x"}}}, "texts"),
    ({"texts": {"deutsch": {"banner.title": "x"}}}, "texts"),
    ({"feedback": {"mail": True}}, "unknown field `mail`"),
]


@pytest.mark.parametrize(("wanted", "said"), WRONG, ids=str)
def test_what_is_refused(wanted, said):
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(wanted, PixelSettings)


WORDS = tuple(f"words-{language}" for language in ("ar", "de", "es", "fr", "hi", "ru"))
BANNER = tuple(name.replace("words", "banner") for name in WORDS)
MODULES = [
    # settings, early, late, fetched on demand
    ({}, (), (), ()),
    ({"surveys": [{"id": "a", "kind": "nps"}]}, ("widgets",), (), ("kit", "form", *WORDS, "survey")),
    (
        {"surveys": [{"id": "a", "kind": "nps", "after": 0}], "language": "hi"},
        ("widgets",),
        ("when",),
        ("kit", "form", "words-hi", "survey"),
    ),
    ({"feedback": {}, "callback": {}, "language": "en"}, ("widgets",), (), ("kit", "form", "feedback", "callback")),
    ({"banner": {}}, ("kit", "widgets", *BANNER, "banner"), (), ()),
    ({"banner": {}, "language": "ru"}, ("kit", "widgets", "banner-ru", "banner"), (), ()),
    ({"optout": True, "feedback": {}}, ("kit", "widgets", "optout"), (), ("form", *WORDS, "feedback")),
]


@pytest.mark.parametrize(("wanted", "early", "late", "called"), MODULES, ids=str)
def test_which_files_a_site_gets(wanted, early, late, called):
    pixel = msgspec.convert(wanted, PixelSettings)
    assert (pixel.early, pixel.late, pixel.called) == (early, late, called)
    built = bundle.load_built()
    line = bundle.compose(built, Site(name="s", write_key="wk_1", pixel=pixel)).decode().splitlines()[1]
    for name in called:
        assert bundle.module_path(built, name) in line
    assert all(f'"{name}"' in line for name in early)


def test_settings_survive_storing():
    wanted = {
        "surveys": [{**CUSTOM, "questions": [CHOICE], "on": "purchase", "share": 0.25}],
        "callback": {"slots": ["09:00-12:00"], "timezone": "America/Argentina/Buenos_Aires"},
        "banner": {"policy": "/privacy"},
        "look": {"scheme": "dark"},
        "texts": {"*": {"banner.title": "Cookies?"}, "nl": {"survey.send": "Verstuur"}},
    }
    stored = msgspec.json.encode(msgspec.convert(wanted, PixelSettings))
    assert msgspec.json.decode(stored) == wanted


def test_every_setting_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "pixel.md").read_text()
    parts = {"surveys[].": Survey, "feedback.": Feedback, "callback.": Callback, "banner.": Banner, "look.": Look}
    names = [f"{start}{name}" for start, part in parts.items() for name in part.__struct_fields__]
    assert [name for name in names if f"| `{name}` |" not in page and f"| `{name}[]` |" not in page] == []
    [row] = [line for line in page.splitlines() if line.startswith("| `surveys[].questions[]` |")]
    assert [name for name in Question.__struct_fields__ if f"`{name}`" not in row] == []
