"""`tracker demo` and what the README does with it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse import free_port
from test_up import Up, until

from tracker.demo.clickstream import EVENTS

README = (Path(__file__).parents[2] / "README.md").read_text()


class Demo(Up):
    """`tracker demo` on a data folder of its own."""

    command = "demo"

    def __init__(self, data: Path) -> None:
        self.shop_port = free_port()
        super().__init__(data, "--shop-port", str(self.shop_port))

    def add_site(self) -> str:
        """The demo makes its own."""
        return ""

    def api(self, method: str, path: str, body: Any = None) -> Any:
        token = (self.data / "admin-token").read_text().strip()
        answer = self.request(self.api_port, method, path, body, Authorization=f"Bearer {token}")
        assert answer is not None
        assert answer[0] < 300, answer
        return json.loads(answer[1])

    def ready(self) -> bool:
        said = self.log.read_text()
        return all(f"\n{word} " in f"\n{said}" for word in ("collector", "API", "dashboard", "demo shop", "sample"))


@pytest.fixture(scope="module", name="demo")
def _demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo") / "data").start()
    seconds = until(demo.ready, "everything is ready and the sample is loaded")
    print(f"\ntracker demo: filled after {seconds:.1f} s")
    yield demo
    demo.stop()


def test_the_sample_is_loaded_once_and_the_saved_funnel_is_filled(demo: Demo) -> None:
    (saved,) = demo.api("GET", "/api/v1/funnels?site=shop")["funnels"]
    assert saved["name"] == "Checkout"
    counts = [step["count"] for step in demo.api("POST", "/api/v1/reports/funnel", saved["funnel"])["steps"]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 500
    assert counts[-1] > 0
    demo.stop()
    demo.log.write_text("")  # what it says from now on
    demo.start()
    until(demo.ready, "the second start is ready too")
    ledger = demo.ledger()
    assert ledger is not None
    assert (ledger["received"], ledger["stored"], ledger["duplicates"]) == (EVENTS, EVENTS, 0)
    assert len(demo.api("GET", "/api/v1/funnels?site=shop")["funnels"]) == 1
    again = [step["count"] for step in demo.api("POST", "/api/v1/reports/funnel", saved["funnel"])["steps"]]
    assert again == counts


def test_the_shop_carries_the_pixel_of_this_collector(demo: Demo) -> None:
    answer = demo.request(demo.shop_port, "GET", "/")
    assert answer is not None
    assert answer[0] == 200
    page = answer[1].decode()
    assert f'src="http://127.0.0.1:{demo.port}/p.js?site=' in page
    sites = json.loads((demo.data / "sites.json").read_text())["sites"]
    (site,) = [one for one in sites if one["name"] == "shop"]
    assert site["write_key"] in page
    assert site["consent"] == "opt-in"


def blocks() -> list[Any]:
    """The JSON documents of the README."""
    return [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]


def test_the_readmes_funnel_audience_and_export_work(demo: Demo, tmp_path: Path) -> None:
    funnel, rule = blocks()
    (tmp_path / "checkout.json").write_text(json.dumps(funnel))
    steps = json.loads(demo.cli("funnel", str(tmp_path / "checkout.json")))["steps"]
    assert [step["event"] for step in steps] == ["view_item", "add_to_cart", "add_payment_info", "purchase"]
    (tmp_path / "left-the-cart.json").write_text(json.dumps(rule))
    preview = json.loads(demo.cli("audience", "preview", str(tmp_path / "left-the-cart.json")))
    assert preview["size"] >= preview["exportable"] >= 0
    everybody = {"site": "shop", "name": "Viewed", "rule": {"did": {"event": "view_item", "within": "200d"}}}
    made = demo.api("POST", "/api/v1/audiences", everybody)
    listed = json.loads(demo.cli("audience", "list"))["audiences"]
    assert [audience["id"] for audience in listed] == [made["id"]]
    assert json.loads(demo.cli("audience", "show", made["id"]))["name"] == "Viewed"
    target = tmp_path / "people.csv"
    export = json.loads(demo.cli("audience", "export", made["id"], "--network", "csv", "--out", str(target)))
    assert export["state"] == "done"
    assert export["counts"]["written"] == len(list(csv.DictReader(target.open()))) > 0
    assert export["counts"]["withheld"]["no_consent"] > 0  # never asked, on an opt-in site
    size = demo.api("POST", "/api/v1/audiences/preview", {"site": "shop", "rule": everybody["rule"]})["size"]
    assert export["counts"]["written"] + sum(export["counts"]["withheld"].values()) == size
    error = demo.cli("audience", "show", "none", code=1)
    assert error.count("\n") == 1


def test_history_that_is_imported_while_it_runs_is_in_the_reports(demo: Demo, tmp_path: Path) -> None:
    before = (demo.ledger() or {})["stored"]
    log = Path(__file__).parents[1] / "data" / "access-log" / "apache_logs.gz"
    progress = json.loads(demo.cli("import", str(log), "--site", "shop", "--format", "access-log"))
    until(lambda: (demo.ledger() or {})["stored"] == before + progress["accepted"], "all of it is stored")
    demo.cli("import", str(log), "--site", "shop", "--format", "access-log", "--again")
    until(lambda: (demo.ledger() or {})["duplicates"] == progress["accepted"], "the second time counts nothing")
    assert (demo.ledger() or {})["stored"] == before + progress["accepted"]
