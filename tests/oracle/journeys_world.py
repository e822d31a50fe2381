"""Random histories for reports about journeys: many persons of one site, told of in one go."""

from __future__ import annotations

from world import arrive, event

HOUR = 3_600_000


def histories(chance, people, start, span, *, pages=("/", "/a", "/a/", "/b/1", "/b/2", "/c")):
    """Events of `people` visitors between `start` and `start + span` (ms): ties, repeats, late and out of order, some
    identified (one of them as two users), bots, bookkeeping, visits of a few minutes with long pauses between."""
    events = []
    for person in range(people):
        for _ in range(chance.randint(1, 4)):
            at = start + chance.randrange(0, span, HOUR)
            for _ in range(chance.randint(1, 5)):
                at += chance.choice([0, 0, 1000, 60_000, 29 * 60_000, 30 * 60_000, 31 * 60_000])
                name = chance.choice(["a", "b", "c", "page_view", "page_view", "page_view"])
                events.append(
                    event(
                        name,
                        at,
                        f"v{person}" if chance.random() < 0.95 else "",
                        user=f"u{chance.randint(0, people // 4)}" if chance.random() < 0.08 else "",
                        seq=chance.randint(0, 2),
                        type=chance.choice(["track"] * 14 + ["identify"]),
                        path=chance.choice(pages) if name == "page_view" else "",
                        country=chance.choice(["", "DE", "US"]),
                        props={"n": chance.randint(0, 2)} if chance.random() < 0.7 else {},
                        bot="crawler" if chance.random() < 0.02 else "",
                    )
                )
                if not events[-1]["visitor"] and not events[-1]["user"]:
                    events[-1]["user"] = "u0"
    return arrive(chance, events)
