"""E-mail addresses and phone numbers leave the browser hashed, in the forms that the exports need."""

from __future__ import annotations

import pytest
from browser_site import PixelSite
from playwright.async_api import Page

from tracker.core.identifiers import email_forms, keys_of, phone_forms, unseal

pytestmark = pytest.mark.browser

MAILS = [" Ann.Smith+x@GMail.com ", "bob@shop.example", "ZoË@exämple.de"]
PHONES = ["+49 30 7654321", "0049 (30) 76543-21", "+49 (0)30 7654321", "030 7654321"]


async def test_what_arrives_is_what_the_collector_would_have_made_of_it(site: PixelSite, page: Page) -> None:
    site.ask_for(hash=True, calling_code="49")
    await page.goto(site.url("/"))
    await page.wait_for_function("window.jt && window.jt.v")
    count = 0
    for trait, values in (("email", MAILS), ("phone", PHONES)):
        for value in values:
            await page.evaluate("([key, value]) => jt('identify', 'u1', {[key]: value, plan: 'gold'})", [trait, value])
            count += 2  # who it is at once; the hash when it is made
            events = await site.wait("identify", count)
            [event] = [event for event in events if event.vault][-1:]
            forms = email_forms(value) if trait == "email" else phone_forms(value, "DE")
            assert forms is not None
            first = "e1" if trait == "email" else "p1"
            [found] = unseal(keys_of("opt-out", "", "ab" * 32), event.vault)
            assert (found.kind, found.forms[first]) == (trait, forms.forms[first]), value
            assert event.user == "u1"
    assert site.events("identify")[0].traits == {"plan": "gold"}
    sent = str(site.front.bodies).lower()
    assert not any(word in sent for word in ("smith", "bob@", "7654321", "exämple"))


async def test_properties_too_and_nothing_that_cannot_be_hashed(site: PixelSite, page: Page) -> None:
    site.ask_for(hash=True)
    await page.goto(site.url("/"))
    await page.evaluate(
        """() => { const order = {email: 'ann@private.example', phone: '030 7654321', total: 3};
             jt('track', 'ordered', order); window.order = JSON.stringify(order);
             jt('identify', 'u1', {mobile: 'call me', 'E-Mail': 'no address', mail: 'with space@shop.example'});
             jt('track', 'end') }"""
    )
    await site.wait("end")
    [event] = await site.wait("ordered")
    assert event.props == {"total": 3}
    assert "private.example" in await page.evaluate("window.order")  # the page keeps its own object
    sent = str(site.front.bodies)
    assert not any(word in sent for word in ("private.example", "7654321", "call me", "no address", "space@shop"))


async def test_without_web_crypto_nothing_is_sent(site: PixelSite, page: Page) -> None:
    site.ask_for(hash=True)
    await page.add_init_script("Object.defineProperty(Crypto.prototype, 'subtle', {get: () => undefined})")
    await page.goto(site.url("/"))
    await page.evaluate("jt('identify', 'u1', {email: 'ann@private.example', plan: 'gold'})")
    [event] = await site.wait("identify")
    assert event.traits == {"plan": "gold"}
    assert "private.example" not in str(site.front.bodies)
