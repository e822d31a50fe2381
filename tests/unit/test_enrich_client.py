"""User agents: device classes against labelled real traffic, bots by isbot's list."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tracker.loader.enrich.bots import bot
from tracker.loader.enrich.client import Client, client
from tracker.loader.enrich.columns import agent_row

AGENTS = Path(__file__).resolve().parent.parent / "data" / "user_agents.tsv.gz"
ANDROID_TV = (
    "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7233) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70 Safari/537.36"
)


def labelled() -> list[tuple[str, str]]:
    with gzip.open(AGENTS, "rt", encoding="utf-8") as file:
        return [(line.split("\t")[1], line.rstrip("\n").split("\t")[2]) for line in file][1:]


def test_real_traffic_is_labelled_right_and_no_person_is_called_a_bot() -> None:
    rows = labelled()
    assert len(rows) == 952
    found = [(device, client(text)) for device, text in rows]
    assert [said.bot for _, said in found if said.bot] == []
    assert sum(said.device != device for device, said in found) <= 1


BOTS = [
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "AhrefsBot"),
    ("curl/8.1.2", "curl"),
    ("python-requests/2.32", "python-requests"),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
        "Headless",
    ),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebookexternalhit"),
]


@pytest.mark.parametrize(("text", "name"), BOTS)
def test_machines_have_a_name(text: str, name: str) -> None:
    assert bot(text).startswith(name)
    assert client(text).device == "bot"


def test_televisions_are_no_tablets() -> None:
    assert client(ANDROID_TV).device == "tv"
    assert (
        client("Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36").device
        == "tv"
    )


def test_nothing_known_is_nothing_said() -> None:
    assert client("") == Client()
    assert set(agent_row("", marked=False)) == {""}
    assert bot("") == ""


def test_a_huge_user_agent_is_cut_before_it_is_parsed() -> None:
    assert client("Mozilla/5.0 " + "(" * 100_000).os == ""
