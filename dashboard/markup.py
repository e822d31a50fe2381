"""HTML that cannot be injected into: every string is escaped unless this module made it.

`st.html` takes the result (and sanitises it once more). Nothing else in the dashboard writes HTML.
"""

from __future__ import annotations

import html


class Markup(str):
    """Text that is already HTML because `tag` or `join` made it."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Anything as escaped text; `Markup` passes as it is."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def join(*parts: object) -> Markup:
    """Several parts one after the other; None is left out."""
    return Markup("".join(text(part) for part in parts if part is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """`tag("td", 5, cls="n", data_label="People")`; `cls` is class, `_` in a name is `-`, None leaves it out."""
    written = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")
