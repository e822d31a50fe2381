"""Text of others where only one line may stand: a mail's subject, a file's name, a cell of a table in plain text."""

from __future__ import annotations


def one_line(text: str) -> str:
    """The text without line breaks, and without anything that does not print; single spaces in their place."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
