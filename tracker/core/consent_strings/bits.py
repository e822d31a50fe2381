"""Bits out of base64url text, six a letter, as TCF and GPP count them."""

from __future__ import annotations

import base64
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Overrun(ValueError):
    """The text ends before what it announces, or says something that its format does not know."""


class Bits:
    """A place in a text of base64url letters without padding. Raises Overrun for any other letter."""

    __slots__ = ("at", "data", "size")

    def __init__(self, text: str) -> None:
        if _ALPHABET.fullmatch(text) is None:
            raise Overrun("not base64url")
        self.data = base64.urlsafe_b64decode(text + "A" * (-len(text) % 4))
        self.size = len(text) * 6
        self.at = 0

    def take(self, width: int) -> int:
        """The next `width` bits as a number, the first bit the highest. Raises Overrun at the end of the text."""
        start, end = self.at, self.at + width
        if end > self.size:
            raise Overrun("too short")
        self.at = end
        last = -(-end // 8)
        number = int.from_bytes(self.data[start >> 3 : last])
        return (number >> (last * 8 - end)) & ((1 << width) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.take(1) == 1

    def numbered(self, count: int) -> int:
        """A field of `count` bits, the first for number 1: the set as a mask with bit n for number n."""
        field = self.take(count)
        mask = 0
        for number in range(1, count + 1):
            if field >> (count - number) & 1:
                mask |= 1 << number
        return mask

    def letters(self, count: int) -> str:
        """Six bits a letter, A is 0. Raises Overrun for what is no letter."""
        found = ""
        for _ in range(count):
            letter = self.take(6)
            if letter > 25:
                raise Overrun("no letter")
            found += chr(65 + letter)
        return found

    def fibonacci(self) -> int:
        """A number of 1 or more in Fibonacci coding (least significant first, ended by two ones)."""
        number, before = 0, False
        small, large = 1, 2
        for _ in range(32):
            bit = self.flag()
            if bit and before:
                return number
            if bit:
                number += small
            before = bit
            small, large = large, small + large
        raise Overrun("an endless number")
