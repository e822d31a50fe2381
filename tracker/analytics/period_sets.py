"""Sets of a report's periods as numbers: a bit a period, in words of 64.

One such set a person is small, where sets of persons, one a period, take gigabytes.
"""

from __future__ import annotations

from tracker.analytics.calendar import Calendar

_WORD = 64  # bits


def _words(calendar: Calendar) -> range:
    return range(-(-len(calendar.starts) // _WORD))


def gathered(calendar: Calendar, test: str) -> str:
    """SQL: the set of periods with such an event, as an array of words; an aggregate function over events."""
    number, words = calendar.number("ts"), _words(calendar)
    bit = f"bitShiftLeft(toUInt64(1), bitAnd({number}, {_WORD - 1}))"  # bitAnd: a start may lie before the range
    if len(words) == 1:
        return f"[groupBitOrIf({bit}, {test})]"
    return f"[{', '.join(f'groupBitOrIf({bit}, {test} and intDiv({number}, {_WORD}) = {word})' for word in words)}]"


def united(calendar: Calendar, sets: str) -> str:
    """SQL: all periods of some sets (a column); an aggregate function."""
    return f"[{', '.join(f'groupBitOr({sets}[{word + 1}])' for word in _words(calendar))}]"


def positions(calendar: Calendar, words: str) -> str:
    """SQL: the numbers of a set's periods, in order."""
    parts = [
        f"arrayMap(at -> toInt32(at + {word * _WORD}), bitPositionsToArray(({words})[{word + 1}]))"
        for word in _words(calendar)
    ]
    return parts[0] if len(parts) == 1 else f"arrayConcat({', '.join(parts)})"


def distances(calendar: Calendar, words: str, start: str) -> str:
    """SQL: 0, and how many periods behind `start` those of the set lie that are behind it, in order."""
    if len(_words(calendar)) == 1:
        return f"bitPositionsToArray(bitOr(bitShiftRight({words}[1], {start}), 1))"
    behind = f"arrayFilter(k -> k > 0, arrayMap(at -> at - {start}, {positions(calendar, words)}))"
    return f"arrayPushFront({behind}, 0)"
