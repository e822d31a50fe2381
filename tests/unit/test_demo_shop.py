"""The demo shop without a browser: its pages, its cart, its policy, and what it tells the pixel."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tracker.demo import basket, make_app
from tracker.demo.catalogue import CATEGORIES, PRODUCTS
from tracker.demo.shop import HERE


@pytest.fixture
async def shop() -> Any:
    app = make_app("http://collector.test:8080/", "wk_1", "http://dash.test:8501")
    async with TestClient(TestServer(app)) as client:
        yield client


async def page(shop: Any, path: str, status: int = 200) -> str:
    answer = await shop.get(path)
    assert answer.status == status
    return str(await answer.text())


def journey(text: str) -> list[list[Any]]:
    found = re.search(r'id="journey">(.*?)</script>', text, re.DOTALL)
    assert found
    calls: list[list[Any]] = json.loads(found[1])
    return calls


def form_calls(text: str) -> list[list[Any]]:
    return [json.loads(html.unescape(found)) for found in re.findall(r'data-journey="([^"]*)"', text)]


async def test_every_page_of_the_catalogue_is_there(shop: Any) -> None:
    for path in ["/", "/search?q=watch", *(f"/c/{key}" for key in CATEGORIES), *(f"/p/{p.slug}" for p in PRODUCTS)]:
        text = await page(shop, path)
        assert 'src="http://collector.test:8080/p.js?site=wk_1" data-site="wk_1" data-consent="opt-in"' in text
        assert "http://dash.test:8501" in text
        assert not re.search(r"<script>|\son\w+=|style=|javascript:", text)  # the policy would refuse it
    for path in ("/c/none", "/p/none", "/nothing"):
        await page(shop, path, 404)


async def test_the_policy_names_the_collector_and_nobody_else(shop: Any) -> None:
    answer = await shop.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' http://collector.test:8080;" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["Cache-Control"] == "private, no-store"


async def test_from_product_to_thank_you(shop: Any) -> None:
    product = PRODUCTS[0]
    text = await page(shop, f"/p/{product.slug}")
    [[name, seen]] = journey(text)
    assert (name, seen["value"], seen["currency"]) == ("view_item", product.price, "EUR")
    assert form_calls(text)[0][0] == "add_to_cart"

    await shop.post("/cart", data={"product": product.id, "quantity": "2"})
    await shop.post("/cart", data={"product": PRODUCTS[1].id, "quantity": "1"})
    [[name, cart]] = journey(await page(shop, "/cart"))
    worth = round(2 * product.price + PRODUCTS[1].price, 2)
    assert (name, cart["value"], len(cart["items"])) == ("view_cart", worth, 2)

    text = await page(shop, "/checkout/shipping")
    assert journey(text)[0][0] == "begin_checkout"
    assert form_calls(text)[0][0] == "add_shipping_info"
    await shop.post("/checkout/shipping", data={"name": "Kim", "email": "kim@example.com", "tier": "express"})
    assert form_calls(await page(shop, "/checkout/payment"))[0][0] == "add_payment_info"

    answer = await shop.post("/checkout/payment", data={"type": "card"})
    assert answer.url.path == "/thank-you"
    [[identify, customer, traits], [purchase, order]] = journey(await answer.text())
    assert (identify, purchase) == ("identify", "purchase")
    assert customer.startswith("C-")
    assert traits == {"email": "kim@example.com"}
    assert (order["value"], order["shipping_tier"]) == (worth, "express")
    assert journey(await page(shop, "/thank-you")) == []  # shown again, bought once
    assert journey(await page(shop, "/cart")) == []


async def test_taking_out_and_coming_too_early(shop: Any) -> None:
    for path in ("/checkout/shipping", "/checkout/payment"):
        assert (await shop.get(path)).url.path == "/cart"
    assert (await shop.get("/thank-you")).url.path == "/"
    await shop.post("/cart", data={"product": PRODUCTS[0].id, "quantity": "1"})
    text = await page(shop, "/cart")
    assert form_calls(text)[0][0] == "remove_from_cart"
    text = await (await shop.post("/cart/remove", data={"product": PRODUCTS[0].id})).text()
    assert "Your cart is empty" in text
    assert (await shop.post("/checkout/payment")).url.path == "/cart"


@pytest.mark.parametrize(
    ("choice", "said"), [("all", (True, True)), ("statistics", (True, False)), ("none", (False,) * 2)]
)
async def test_a_choice_is_told_first_on_every_page(shop: Any, choice: str, said: tuple[bool, bool]) -> None:
    assert 'id="banner" aria-labelledby="banner-title">' in await page(shop, "/")
    assert journey(await page(shop, "/"))[0][0] != "consent"
    answer = await shop.post(
        "/consent", data={"choice": choice}, headers={"Referer": "https://evil.test//x.test/c/audio"}
    )
    assert answer.url.path == "/x.test/c/audio"  # never leaves this host
    text = await page(shop, "/")
    assert journey(text)[0] == ["consent", {"analytics": said[0], "ads": said[1]}]
    assert 'aria-labelledby="banner-title" hidden' in text


async def test_what_visitors_write_stays_text(shop: Any) -> None:
    evil = "\"><script>alert(1)</script></script><b>'"
    text = await page(shop, "/search?q=" + evil.replace("<", "%3C").replace(">", "%3E").replace('"', "%22"))
    assert "<script>alert" not in text
    assert "</script><b>" not in text
    assert journey(text)[0] == ["track", "search", {"search_term": evil, "results": 0}]


@pytest.mark.parametrize(
    "text", ["", "x", "HD-101:0", "HD-999:1", "HD-101:-1", "HD-101:10", "HD-101:x", "." * 999, "HD-101"]
)
def test_a_strange_cart_is_an_empty_one(text: str) -> None:
    assert basket.read(text) == {}


def test_a_cart_is_what_was_written() -> None:
    cart = basket.add(basket.add({}, "HD-101", 2), "HD-203", 1)
    assert basket.read(basket.write(cart)) == cart == {"HD-101": 2, "HD-203": 1}
    assert basket.add(cart, "HD-101", 9)["HD-101"] == basket.MOST_OF_ONE


def test_every_product_has_a_picture_that_the_policy_allows() -> None:
    assert len({p.id for p in PRODUCTS}) == len({p.slug for p in PRODUCTS}) == len(PRODUCTS) == 16
    for product in PRODUCTS:
        drawing = (HERE / "pictures" / f"{product.picture}.svg").read_text()
        assert "aria-hidden" in drawing
        assert not re.search(r"style|script|href|url\(", drawing)
