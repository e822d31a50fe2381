"""How many different words a site may use: names of events, keys of properties.

Write keys are public, so anybody can invent names and keys without end, and each costs the store a column's worth of
bookkeeping and the reports a row. What is beyond the budget is kept and counted, only not under a name of its own.
"""

from __future__ import annotations

import msgspec

from tracker.core.event import Event

OTHER = "(other)"
_OWN_NAME = "event_name"
_OURS = (OTHER, _OWN_NAME)
LONGEST_KEY = 255
_REMEMBERED = 10_000  # where there is no limit


class Vocabulary:
    """The words of one site that this worker has seen since it started; 0 of a kind: no limit.

    names, keys: looked at for every event; whatever is not in them comes to `admit`.
    """

    __slots__ = ("keys", "most_keys", "most_names", "names")

    def __init__(self, most_names: int, most_keys: int) -> None:
        self.most_names = most_names
        self.most_keys = most_keys
        self.names: set[str] = set()
        self.keys: set[str] = set(_OURS)

    def admit(self, event: Event) -> Event:
        """Learn new words while there is room. Beyond it an event is named `(other)`, with its own name in
        `props.event_name`, and properties go as JSON text into `props["(other)"]`.
        """
        name, props = event.name, event.props
        if name not in self.names:
            if event.type != "track" or _room(self.names, self.most_names):
                self.names.add(name)
            else:
                props = {**props, _OWN_NAME: name}
                name = OTHER
        surplus = {}
        for key in props:
            if key not in self.keys:
                if len(key) <= LONGEST_KEY and _room(self.keys, self.most_keys and self.most_keys + len(_OURS)):
                    self.keys.add(key)
                else:
                    surplus[key] = props[key]
        if surplus:
            props = {key: value for key, value in props.items() if key not in surplus}
            props[OTHER] = msgspec.json.encode(surplus).decode()
        if props is event.props:
            return event
        return msgspec.structs.replace(event, name=name, props=props)


def _room(words: set[str], most: int) -> bool:
    """Whether one more may be learned. Without a limit any may, and what was learned is forgotten now and then."""
    if not most and len(words) >= _REMEMBERED:
        words.clear()
    return not most or len(words) < most
