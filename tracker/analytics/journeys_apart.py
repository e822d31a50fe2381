"""Who is read from `events` where a report reads journeys: persons with news, and those of whom these cannot tell."""

from __future__ import annotations

from tracker.store import journeys
from tracker.store.engine import Query, Session
from tracker.store.journeys import Held
from tracker.store.sql import Fragment


def set_apart(session: Session, state: Held, came: int, over: int, *, most: float, paths: bool = False) -> bool:
    """Fill `journey_changed` (persons with news) and `journey_keys` (all keys of those to be read from `events`).

    `came`, `over`: see `journeys.news`; without any there is no `journey_changed`. `most`: what part of all persons may
    be set apart; False: they are more. `paths`: also those whose paths the table lacks.
    """

    def make(name: str, of: Fragment) -> None:
        text = f"create temporary table {name} engine = Memory as {of.text}"
        session.command(Query(text=text, params=of.params))

    asked = apart = journeys.apart(state, paths=paths)
    lacking = state.apart + (state.untold if paths else 0)
    if lacking > most * state.units:
        return False
    if came:
        keys = journeys.touched(state, over=bool(over))
        if over:
            make("journey_touched", keys)
            keys = Fragment("journey_touched")
        make("journey_changed", journeys.changed(keys, state.site))
        if came + lacking > most * state.units:  # a key may have come several times
            many = int(session.ask(Query(text="select count() from journey_changed")).rows[0][0])
            if many + lacking > most * state.units:
                return False
        asked = Fragment("journey_changed")
        if lacking:
            text = f"(select unit from journey_changed union distinct {apart.text})"  # noqa: S608 - our own text
            asked = Fragment(text, apart.params)
    make("journey_keys", journeys.owned(asked, state.site))
    return True
