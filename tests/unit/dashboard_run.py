"""One page of the dashboard, as the application draws it, and what is to be seen on it."""

import re
from html import unescape

from streamlit.testing.v1 import AppTest


def run(name, **params):
    """The sidebar and one page, as app.py draws them."""

    def script(name):
        import importlib

        from dashboard import sidebar
        from dashboard.components import guarded

        def draw():
            sidebar.draw()
            importlib.import_module(f"dashboard.views.{name}").page()

        guarded(draw)()

    at = AppTest.from_function(script, args=(name,), default_timeout=60)
    for key, value in params.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def seen(at):
    """All text of our own markup."""
    return unescape(re.sub("<[^>]+>", " ", html(at)))


def html(at):
    return " ".join(element.proto.body for element in at.get("html"))


def asked(fake, end):
    """The latest body that was sent to an address with this end."""
    return next(body for _, path, body in reversed(fake.state.asked) if path.endswith(end))
