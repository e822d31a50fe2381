"""An event's place in time as one integer: milliseconds since the range's start, the pixel's sequence number (32 bits),
the order of arrival (56 bits: enough until the year 2112), and free bits below. It sorts as the contract orders events.

Comparing such a number costs a quarter of comparing a tuple of time, sequence number and arrival. `narrow` leaves
sequence and arrival out: half the memory, exact while the caller sees to ties.
"""

from __future__ import annotations

_SEQ_BITS, _ARRIVAL_BITS = 32, 56


def shift(low_bits: int, *, narrow: bool = False) -> int:
    """By how many bits the milliseconds are shifted, above `low_bits` free ones."""
    return low_bits + (0 if narrow else _SEQ_BITS + _ARRIVAL_BITS)


def width(span_ms: int, low_bits: int, *, narrow: bool = False) -> str:
    """The smallest type that holds the moments of `span_ms` milliseconds."""
    bits = span_ms.bit_length() + shift(low_bits, narrow=narrow)
    return next(f"UInt{size}" for size in (64, 128, 256) if bits <= size)


def order(wide: str, low_bits: int = 0) -> str:
    """SQL for what orders events of one millisecond, as the low part of a number of the type `wide`."""
    seq = f"bitShiftLeft(to{wide}(seq), {_ARRIVAL_BITS + low_bits})"
    arrival = f"to{wide}(bitAnd(arrival, {2**_ARRIVAL_BITS - 1}))"
    return f"{seq} + {f'bitShiftLeft({arrival}, {low_bits})' if low_bits else arrival}"


def packed(wide: str, low_bits: int, *, narrow: bool = False) -> str:
    """SQL for an event's moment in the type `wide`; needs the parameter `from` (ms)."""
    place = shift(low_bits, narrow=narrow)
    text = f"bitShiftLeft(to{wide}(toUnixTimestamp64Milli(ts) - {{from:Int64}}), {place})"
    return text if narrow else f"{text} + {order(wide, low_bits)}"
