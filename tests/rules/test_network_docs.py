"""The table of networks in the documents is what the code does. `python tests/rules/test_network_docs.py` writes it."""

from __future__ import annotations

from pathlib import Path

from tracker.networks import NETWORKS, Column, Network

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
BEGIN, END = "<!-- table: written by tests/rules/test_network_docs.py -->\n", "<!-- end of table -->\n"


def cells(columns: tuple[Column, ...]) -> str:
    shown = []
    for column in columns:
        base64 = " (Base64)" if column.encoding == "base64" else ""
        shown.append(f"`{column.header}` {' or '.join(column.forms) or 'empty'}{base64}")
    return "; ".join(shown)


def row(network: Network) -> str:
    api = "none" if network.build is None else cells(network.columns("api"))
    limits = [f"{network.batch:,} members a request"] if network.build is not None else []
    limits += [f"{network.request_bytes:,} bytes a request"] if network.request_bytes else []
    limits += [f"{network.file_rows:,} rows a file"] if network.file_rows else []
    limits += [f"{network.file_bytes:,} bytes a file"] if network.file_bytes else []
    days = "none" if network.days is None else f"{network.days:,} days"
    parts = [
        f"{network.title} (`{network.name}`)", cells(network.file), api, "; ".join(limits) or "none",
        f"{network.minimum:,}" if network.minimum else "none", days, network.note,
    ]  # fmt: skip
    return "| " + " | ".join(parts) + " |"


def table() -> str:
    head = "| network | file | API | limits | minimum | longest membership | remarks |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(row(network) + "\n" for network in NETWORKS.values())


def test_the_table_of_networks_is_what_the_code_does() -> None:
    text = PAGE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == table(), "run `python tests/rules/test_network_docs.py`"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
