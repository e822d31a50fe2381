"""Looking from the at-signs outwards finds what the expression finds."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector.urls import _EMAIL, blank

LETTERS = st.text(alphabet="ab@%40.:/ \t\u00a0\u1680\x1c\u00e9_-4", max_size=60)


@settings(max_examples=500)
@given(
    st.one_of(
        LETTERS, st.text(max_size=40), st.lists(st.sampled_from(["a@b.example", "%40", "@", "x" * 70, ".de", " "]))
    )
)
@example("a%40b%40c.de")
@example("a@b@c.de")
@example("x" * 200 + "@" + "y" * 189 + ".de" + "z" * 30)
@example("a@b.de@c.de")
def test_both_ways_find_the_same(given_text):
    text = given_text if isinstance(given_text, str) else "".join(given_text)
    assert blank(text) == _EMAIL.sub("[email]", text)
