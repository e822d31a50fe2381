"""`tracker status`: what became of every event received. Needs no running engine: spool and ledger are files."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tracker.cli.options import Data, answer, say, settings


def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    data: Data = None,
) -> None:
    """Say how many events were accepted and what became of them, the lag, the disk and the versions."""
    from tracker.wiring.status import take_stock

    stock = take_stock(settings(data=data))
    if as_json:
        answer(stock)
        return
    for line in _lines(stock):
        say(line)


def _lines(stock: dict[str, Any]) -> list[str]:
    """The same for a person. The first block adds up to what was accepted."""
    ledger = stock["ledger"]
    rows = [
        ("accepted", ledger["received"]),
        ("  stored", ledger["stored"]),
        ("  duplicate", ledger["duplicates"]),
        ("  rejected", sum(ledger["rejected"].values())),
        *((f"    {reason}", n) for reason, n in sorted(ledger["rejected"].items())),
        ("  suppressed", ledger["suppressed"]),
        ("  waiting", ledger["waiting"]),
        ("unexplained", ledger["unexplained"]),
    ]
    lines = [f"{name:<24}{number:>15,}" for name, number in rows]
    lag = "none" if stock["lag_seconds"] is None else f"{stock['lag_seconds']:.1f} s"
    disk = stock["disk"]
    lines += [
        "",
        f"{'lag':<24}{lag:>15}",
        f"{'canary':<24}{_canary(stock['canary']):>15}",
        f"{'spool':<24}{_size(disk['spool_bytes']):>15}",
        f"{'store':<24}{_size(disk['store_bytes']):>15}",
        f"{'free disk':<24}{_size(disk['free_bytes']):>15}",
        "",
        f"{'running':<24}{', '.join(stock['running']) or 'nothing':>15}",
        *(f"{name:<24}{version:>15}" for name, version in stock["versions"].items()),
    ]
    return lines


def _canary(flight: dict[str, Any] | None) -> str:
    """The way of our own event from end to end, or what keeps it."""
    if flight is None:
        return "none"
    return f"{flight['lag_seconds']:.1f} s" if flight["state"] == "arrived" else str(flight["state"])


def _size(number: int) -> str:
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def register(app: typer.Typer) -> None:
    """Add `status` to the app."""
    app.command(epilog="Example: tracker status --json")(status)
