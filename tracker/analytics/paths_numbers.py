"""Paths as numbers: the layout of a node with its moment and of a hop, and the SQL that reads and writes them.

Sorting and comparing whole numbers costs a fraction of what arrays of texts and tuples do, and they are as narrow as a
question allows: 64 bits for both, where a month has some hundred nodes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tracker.analytics import moments

_SIZES = (64, 128, 256)
_FLAGS = 3
_SEQ_BITS = 32


class Moments:
    """A node's place in time: a free bit, `moments.packed`, the node's code, and a bit for where a visit begins.

    `narrow` leaves sequence and arrival out, but for as much of the sequence as there are bits left over: only who has
    two nodes with the same is tied then. `span`: of the range, in ms. `gap`: the pause that ends a visit, in ms, None:
    none does.
    """

    def __init__(self, span: int, code_bits: int, gap: int | None, *, narrow: bool) -> None:
        self._low, self._narrow = code_bits + 1, narrow
        self._shift = moments.shift(self._low, narrow=narrow)
        self.wide = moments.width(2 * span, self._low, narrow=narrow)
        size = int(self.wide.removeprefix("UInt"))
        self._seq = min(size - (2 * span).bit_length() - self._shift, _SEQ_BITS) if narrow else 0
        self._shift += self._seq
        pause = 2 ** (size - 1)  # longer than any
        if gap is not None and gap <= span:
            pause = gap << self._shift
        self._pause = self._number(pause)
        self._times = self._number(2**size - 2**self._shift)
        self._codes = self._number(2**self._low - 2)
        self.before_first = self._number(2**size - pause)
        """SQL: what to put before the first number, so that a visit begins with it: the sum in `begins` is 0."""

    def _number(self, value: int) -> str:
        return f"to{self.wide}('{value}')"

    def packed(self, code: str) -> str:
        """SQL for the number of an event with this code (UInt64)."""
        text = moments.packed(self.wide, self._low + self._seq, narrow=self._narrow)
        if self._seq:  # the last one stands for all that are greater
            text += f" + bitShiftLeft(to{self.wide}(least(seq, {2**self._seq - 1})), {self._low})"
        return f"{text} + bitShiftLeft(to{self.wide}({code}), 1)"

    def number(self, time: str, code: str) -> str:
        """SQL for the number at so many milliseconds after the range's start; without sequence and arrival."""
        at = f"bitShiftLeft(to{self.wide}({time}), {self._shift})"
        return f"{at} + bitShiftLeft(to{self.wide}({code}), 1)"

    @property
    def begins(self) -> str:
        """SQL: whether a visit begins at `p`, behind `q`."""
        return f"(p >= bitAnd(q, {self._times}) + {self._pause})"

    @property
    def moved(self) -> str:
        """SQL: whether `p` and `q` are different nodes."""
        return f"(bitAnd(bitXor(p, q), {self._codes}) != 0)"

    @property
    def tied(self) -> str:
        """SQL: whether `sorted` leaves the order of two nodes open, `before` being what stands before each."""
        if not self._narrow:
            return "toUInt8(0)"
        return f"arrayExists((p, q) -> p != q and bitXor(p, q) < {self._number(2**self._low)}, sorted, before)"

    def code(self, name: str) -> str:
        """SQL: the code in a number."""
        return f"bitShiftRight(bitAnd({name}, {self._codes}), 1)"

    def between(self, name: str, later: str) -> str:
        """SQL: milliseconds from one number's moment to another's."""
        return f"toUInt64(bitShiftRight({later}, {self._shift}) - bitShiftRight({name}, {self._shift}))"

    @staticmethod
    def mark(code: int) -> int:
        """The number of what is no node: it has no moment."""
        return code << 1


class Hops:
    """A hop as a number: three free bits, the step, two codes and the time between (`paths.sql`). `span`: see above."""

    def __init__(self, span: int, code_bits: int, steps: int) -> None:
        self._span, self._code, self._step = span.bit_length(), code_bits, steps.bit_length()
        self._top = self._span + 2 * code_bits + self._step
        self.kind = next(f"UInt{size}" for size in _SIZES if self._top + _FLAGS <= size)

    def start(self, place: str, code: str) -> str:
        """SQL: the part of the number that says where the hop starts."""
        return f"{self._at(place, self._span + 2 * self._code)} + {self._at(code, self._span + self._code)}"

    def target(self, code: str, span: str = "") -> str:
        """SQL: the part that says where it goes, and how long that takes."""
        return f"{self._at(code, self._span)} + to{self.kind}({span or 0})"

    def _at(self, value: str, bits: int) -> str:
        return f"bitShiftLeft(to{self.kind}({value}), {bits})"

    def _mask(self, bits: int) -> str:
        return f"to{self.kind}('{2**bits - 1}')"

    def read(self) -> Mapping[str, str]:
        """The slots of `paths.sql`: how `number`, `hop` (without its time) and the one `before` are read."""

        def part(bits: int, size: int) -> str:
            return f"bitAnd(bitShiftRight(hop, {bits}), {self._mask(size)})"

        def new(bits: int) -> str:
            return f"(bitXor(hop, before) >= to{self.kind}('{2**bits}'))"

        codes, node = 2 * self._code, self._span + self._code
        return {
            "span_bits": str(self._span),
            "span": f"toUInt64(bitAnd(number, {self._mask(self._span)}))",
            "place": part(codes, self._step),
            "source": part(self._code, self._code),
            "target": part(0, self._code),
            "marked": f"hop + {self._at(new(self._span), self._top)} + {self._at(new(node), self._top + 1)}",
            "new_hop": part(codes + self._step, 1),
            "new_node": part(codes + self._step + 1, 1),
            "tie": f"to{self.kind}('{2 ** (int(self.kind.removeprefix('UInt')) - 1)}')",
            "half": f"toUInt64(bitAnd(hop, {self._mask(_SIZES[0] - 1)}))",
        }
