"""Counts of a few people on the pages of audiences."""

from dashboard_run import html, run, seen

from dashboard import formats, sizes
from dashboard.views.audience_parts import withheld_lines


def test_what_is_hidden_says_so_and_is_not_called_small_where_it_may_not_be(fake, monkeypatch):
    one = {"site": "shop", "name": "Few", "rule": {"did": {"event": "purchase"}}, "duration": "30d"}
    id = fake.state.keep(fake.state.audiences, one)["id"]
    answer = fake.state.answer
    hidden = {"size": 312, "exportable": 241, "withheld": {"no_consent": None, "holdout": None, "suppressed": 0}}

    def few(method, path, query, body):
        if path.endswith("/preview"):
            assert body["hide_small"] is True
            return hidden
        if path.endswith("/history"):
            assert query["hide_small"] == ["true"]
        return answer(method, path, query, body)

    monkeypatch.setattr(fake.state, "answer", few)
    at = run("audience", id=id)
    page = " ".join(seen(at).split())
    assert "have not agreed to advertising hidden" in page and "(hold-out) hidden" in page
    assert any("fewer than 10" in one.value for one in at.caption) and "<10" not in html(at)


def test_a_whole_that_is_hidden_is_small():
    assert (formats.few(None), formats.few(None, 312), formats.few(0), formats.few(12)) == ("<10", "hidden", "0", "12")
    assert withheld_lines({"holdout": None, "opted_out": 0}, None)[0].startswith("<10 are kept aside")
    assert (sizes.told(9), sizes.told(0), sizes.told(10)) == ("<10", "0", "10")
    row = {"at": "2026-11-01T00:00:00Z", "entered": None, "gone": 0}
    assert sizes.latest([row, row | {"entered": 0}], 8) == [row]
