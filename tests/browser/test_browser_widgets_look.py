"""How widgets look and speak: languages, right to left, contrast, small screens, hostile pages, strict policies."""

from __future__ import annotations

from typing import Any

import pytest
from browser_site import PixelSite
from playwright.async_api import Browser, Page, expect
from test_browser_guest import BROKEN, HOSTILE, STUB, spoken
from widgets import EVERYTHING, INSIDE, OPEN, WITHOUT_BANNER, opened

pytestmark = pytest.mark.browser

LANGUAGES = [
    # <html lang>, title of the form, name of its button
    ("de-AT", "Ihr Feedback", "Senden"),
    ("ru", "Ваш отзыв", "Отправить"),
    ("hi", "आपकी राय", "भेजें"),
    ("fr", "Votre avis", "Envoyer"),
    ("es-MX", "Su opinión", "Enviar"),
    ("xx", "Your feedback", "Send"),
]


@pytest.mark.parametrize(("lang", "title", "button"), LANGUAGES)
async def test_the_pages_language(site: PixelSite, page: Page, lang: str, title: str, button: str) -> None:
    site.ask_for(**WITHOUT_BANNER)
    site.pages["/"] = site.html().replace('lang="en"', f'lang="{lang}"')
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    await expect(panel).to_have_accessible_name(title)
    assert await panel.get_attribute("lang") == ("en" if lang == "xx" else lang[:2])
    fetched = await page.evaluate("performance.getEntriesByType('resource').map(one => one.name.split('/m/words-')[1])")
    assert [name[:2] for name in fetched if name] == ([] if lang == "xx" else [lang[:2]])  # the visitor's and no other
    await panel.get_by_role("textbox").first.fill("Hello")
    await panel.get_by_role("button", name=button, exact=True).click()
    [event] = await site.wait("feedback_sent")
    assert event.props["text"] == "Hello"


async def test_settings_before_page_before_browser(site: PixelSite, browser: Browser) -> None:
    context = await browser.new_context(locale="ru-RU")
    page = await context.new_page()
    site.pages["/none"] = site.html().replace(' lang="en"', "")
    site.ask_for(**WITHOUT_BANNER)
    await expect(await opened(page, site.url("/none"), OPEN["feedback"])).to_have_accessible_name("Ваш отзыв")
    await context.close()


async def test_a_site_has_the_last_word(site: PixelSite, page: Page) -> None:
    """Its own words for one language, for all, and a language that we do not speak."""
    texts = {"*": {"feedback.send": "OK!"}, "nl": {"feedback.title": "Uw mening", "survey.nps": "Zou u ons aanraden?"}}
    site.ask_for(**WITHOUT_BANNER, texts=texts, language="nl")
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    await expect(panel).to_have_accessible_name("Uw mening")
    await expect(panel.get_by_role("button", name="OK!")).to_be_visible()
    await expect(panel.get_by_label("Your message")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.evaluate(OPEN["nps"])
    await expect(page.get_by_role("dialog")).to_have_accessible_name("Zou u ons aanraden?")


async def test_right_to_left(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    site.pages["/"] = site.html().replace('lang="en"', 'lang="ar" dir="rtl"')
    panel = await opened(page, site.url("/"), OPEN["nps"])
    assert await panel.get_attribute("dir") == "rtl"
    await expect(panel).to_have_accessible_name("ما مدى احتمال أن توصي بنا لصديق أو زميل؟")
    boxes = [
        await one.bounding_box()
        for one in (panel, panel.get_by_role("button", name="إغلاق"), panel.get_by_text("0", exact=True))
    ]
    ten = await panel.get_by_text("10", exact=True).bounding_box()
    frame, close, zero = boxes
    assert frame and close and zero and ten
    assert frame["x"] == 16  # the end of a line is on the left
    assert close["x"] < frame["x"] + frame["width"] / 2 < zero["x"]
    assert ten["x"] < zero["x"]
    await panel.locator("input[value='0']").check()
    await page.keyboard.press("ArrowLeft")
    await panel.get_by_role("button", name="إرسال").click()
    [event] = await site.wait("survey_answered")
    assert event.props["score"] == 1  # left is forward here


WIDTHS = [(390, 844), (1440, 900)]


@pytest.mark.parametrize("size", WIDTHS, ids=["phone", "desk"])
async def test_every_widget_fits_the_screen(site: PixelSite, browser: Browser, size: tuple[int, int]) -> None:
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-GB")
    page = await context.new_page()
    site.ask_for(**{**WITHOUT_BANNER, "optout": True, "banner": {}})
    await page.goto(site.url("/"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.get_by_role("button", name="Accept").click()
    for name, call in OPEN.items():
        await page.evaluate(call)
        panel = page.get_by_role("dialog")
        await panel.wait_for()
        box = await panel.bounding_box()
        assert box
        assert box["x"] >= 0 and box["y"] >= 0, name
        assert box["x"] + box["width"] <= size[0] and box["y"] + box["height"] <= size[1], name
        assert await panel.evaluate("one => one.scrollWidth <= one.clientWidth"), name
        small = await panel.evaluate(
            """one => [...one.querySelectorAll('button, input, select, textarea')]
                .map(each => [each.outerHTML.slice(0, 60), each.closest('label') || each])
                .map(([text, each]) => [text, each.getBoundingClientRect()])
                .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([text]) => text)"""
        )
        assert small == [], name  # WCAG 2.2, target size
        await page.keyboard.press("Escape")
        await expect(panel).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    await context.close()


@pytest.mark.parametrize("size", WIDTHS, ids=["phone", "desk"])
async def test_yes_and_no_are_equally_large_in_every_language(
    site: PixelSite, browser: Browser, size: tuple[int, int]
) -> None:
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = await context.new_page()
    site.ask_for(banner={})
    titles = set()
    for lang in ("en", "de", "fr", "es", "ru", "hi", "ar"):
        site.pages[f"/{lang}"] = site.html(policy="opt-in").replace('lang="en"', f'lang="{lang}"')
        panel = await opened(page, site.url(f"/{lang}", policy="opt-in"))
        titles.add(await panel.get_by_role("heading").inner_text())
        measure = "all => all.map(one => [one.offsetWidth, one.offsetHeight, one.offsetTop])"
        [no, yes] = await panel.locator(".go").evaluate_all(measure)
        assert no == yes, lang
    assert len(titles) == 7
    await context.close()


# The ratio of WCAG 2.2 between each text and what lies behind it.
CONTRAST = f"""() => {{
  const root = {INSIDE};
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {{
    for (let one = element; one; one = one.parentElement) {{
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length == 3 || colour[3] == 1) return colour;
    }}
  }};
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {{
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), walker.currentNode.data]);
  }}
  return found;
}}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["#1f5fd0", "#ffd400", "#777777", "#000000", "#ffffff", "#00b894"])
async def test_contrast(site: PixelSite, browser: Browser, scheme: Any, colour: str) -> None:
    context = await browser.new_context(color_scheme=scheme, locale="en-GB", reduced_motion="reduce")
    page = await context.new_page()
    site.ask_for(**WITHOUT_BANNER, look={"colour": colour})
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    await panel.get_by_role("button", name="Send").click()  # the error's text too
    await panel.locator("input[value='3']").check()
    found = await page.evaluate(CONTRAST)
    assert len(found) > 12
    assert [one for one in found if one[0] < 4.5] == []
    ground = await panel.evaluate("one => getComputedStyle(one).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    await context.close()


async def test_look_from_settings_and_from_the_page(site: PixelSite, page: Page) -> None:
    look = {"colour": "#8000ff", "radius": 4, "font": "Georgia, serif", "position": "start", "scheme": "dark"}
    site.ask_for(surveys=[{"id": "nps", "kind": "nps"}], look=look)
    css = "<style>.brand { --jt-colour: rgb(1, 2, 3); --jt-on-colour: rgb(250, 250, 250); --jt-radius: 0px }</style>"
    site.pages["/brand"] = site.html(body=css).replace("<html", '<html class="brand"')
    measure = """one => [one, one.querySelector('.go')].map(each => { const style = getComputedStyle(each);
        return [style.backgroundColor, style.color, style.borderTopLeftRadius, style.fontFamily] })"""
    panel = await opened(page, site.url("/"), OPEN["nps"])
    [frame, button] = await panel.evaluate(measure)
    assert frame == ["rgb(30, 33, 40)", "rgb(243, 244, 246)", "4px", "Georgia, serif"]
    assert button[:3] == ["rgb(128, 0, 255)", "rgb(255, 255, 255)", "2px"]
    box = await panel.bounding_box()
    assert box and box["x"] == 16
    panel = await opened(page, site.url("/brand"), OPEN["nps"])
    [frame, button] = await panel.evaluate(measure)
    assert (frame[2], button[0], button[1]) == ("0px", "rgb(1, 2, 3)", "rgb(250, 250, 250)")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
async def test_nothing_moves_for_those_who_do_not_want_it(site: PixelSite, browser: Browser, motion: Any) -> None:
    context = await browser.new_context(reduced_motion=motion)
    page = await context.new_page()
    site.ask_for(**WITHOUT_BANNER)
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    name = await panel.evaluate("one => getComputedStyle(one).animationName")
    assert name == ("none" if motion == "reduce" else "in")
    await context.close()


CRUEL = """<style>
body *, jt-widget, html > :not(head):not(body) { display: none !important; visibility: hidden !important;
  opacity: 0 !important; position: static !important; font: 90px monospace !important; color: red !important;
  background: red !important;
  transform: scale(0.1) !important; width: 1px !important; z-index: -1 !important; pointer-events: none !important;
  direction: rtl !important; zoom: 3; filter: blur(9px) !important; clip-path: inset(50%) !important }
* { letter-spacing: 20px; line-height: 3; text-transform: uppercase; text-align: right; cursor: wait;
  font-size: 40px; word-spacing: 30px; color: lime; text-indent: 50px; white-space: pre }
dialog, h2, button, input, fieldset, legend { display: none; border: 9px solid red; margin: 50px; float: right }
</style>"""
SHAPE = """one => [one, ...one.querySelectorAll('*')].map(each => { const style = getComputedStyle(each),
  box = each.getBoundingClientRect();
  return [each.tagName, box.x, box.y, box.width, box.height, style.color, style.backgroundColor, style.fontSize,
          style.letterSpacing, style.textTransform, style.visibility, style.cursor] })"""


@pytest.mark.parametrize("name", ["nps", "feedback", "banner"])
async def test_page_and_widget_do_not_disturb_each_other(site: PixelSite, page: Page, name: str) -> None:
    site.ask_for(**EVERYTHING)
    body = '<h2 id="mine">Mine</h2><button id="b" class="go">Go</button><dialog open>Mine too</dialog>'
    site.pages["/calm"] = site.html(body=body)
    site.pages["/hostile"] = site.html(body=CRUEL + body)
    shapes = []
    await page.emulate_media(reduced_motion="reduce")
    for path in ("/calm", "/hostile"):
        await page.goto(site.url(path))
        await page.locator("jt-widget dialog").first.wait_for()  # the banner, until it is answered
        before = await page.evaluate("getComputedStyle(document.getElementById('mine')).cssText")
        if path == "/calm":
            await page.evaluate("document.title = 'x'")
        if name != "banner":
            await page.evaluate("localStorage.clear()")
            await page.locator("jt-widget").get_by_role("button", name="Reject").evaluate("one => one.click()")
            await page.evaluate("jt('consent', {analytics: true})")
        await page.evaluate(OPEN[name])
        panel = page.locator("jt-widget dialog")
        await panel.wait_for()
        shapes.append(await panel.evaluate(SHAPE))
        assert await page.evaluate("getComputedStyle(document.getElementById('mine')).cssText") == before
        assert await page.evaluate("document.adoptedStyleSheets.length") == 0
        await page.evaluate("localStorage.clear()")
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 10


async def test_the_pages_short_cuts_do_not_hear_what_is_typed(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    listen = "<script>window.heard=[];addEventListener('keydown',event=>heard.push(event.key))</script>"
    site.pages["/"] = site.html(body=listen)
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    await panel.get_by_role("textbox").first.press_sequentially("secret")
    assert await page.evaluate("heard") == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("k")
    assert await page.evaluate("heard") == ["k"]


async def test_every_widget_under_the_strictest_policy(site: PixelSite, page: Page) -> None:
    """No inline style, no eval, and only the two Trusted Types policies that the documentation names, once each."""
    site.ask_for(**{**EVERYTHING, "surveys": [{"id": "nps", "kind": "nps", "on": "ask"}], "engagement": True})
    said = spoken(page)
    html = site.html().replace(f"<script>{STUB}</script>", "")
    site.pages["/strict"] = html.replace("<head>", '<head><link rel="icon" href="data:,">')
    site.page_headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {site.front_url}; connect-src {site.front_url}; img-src data:; "
        "require-trusted-types-for 'script'; trusted-types jt jt-widgets"
    )
    await page.goto(site.url("/strict"))
    banner = page.get_by_role("dialog", name="Your privacy")
    await banner.get_by_role("button", name="Accept").click()
    await site.wait("consent")
    for call, title in (
        ("jt('survey', 'nps')", "How likely are you to recommend us to a friend or colleague?"),
        ("jt('feedback')", "Your feedback"),
        ("jt('callback')", "We call you back"),
        ("jt('optout')", "Opt-Out Request Honored"),
        ("jt('banner')", "Your privacy"),
    ):
        await page.evaluate(call)
        panel = page.get_by_role("dialog", name=title)
        await panel.wait_for()
        radius = await panel.evaluate("one => getComputedStyle(one).borderTopLeftRadius")
        assert radius == "12px", title  # the look is there, without a style element
        await page.keyboard.press("Escape")
        await expect(panel).to_have_count(0)
    await site.wait("survey_dismissed")
    assert said == []
    assert await page.evaluate("document.querySelectorAll('style, [style]').length") == 0


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE)
async def test_widgets_work_on_hostile_pages(site: PixelSite, page: Page, harm: str) -> None:
    """Where storage is blocked, the choice serves this page."""
    site.ask_for(**EVERYTHING)
    await page.add_init_script(harm)
    panel = await opened(page, site.url("/", policy="opt-in"))
    await panel.get_by_role("button", name="Accept").click()
    await page.evaluate(OPEN["feedback"])
    await panel.get_by_label("Your message").fill("Hello")
    await panel.get_by_role("button", name="Send").click()
    [event] = await site.wait("feedback_sent")
    assert (event.props, event.analytics, event.ads) == ({"text": "Hello"}, 1, 1)


@pytest.mark.parametrize(
    "harm",
    [
        *BROKEN.values(),
        "delete Document.prototype.adoptedStyleSheets; window.CSSStyleSheet = undefined",
        "Element.prototype.attachShadow = () => { throw new Error('no') }",
    ],
)
async def test_a_page_that_breaks_the_widgets_hears_nothing(site: PixelSite, page: Page, harm: str) -> None:
    site.ask_for(**EVERYTHING)
    said = spoken(page)
    await page.add_init_script(harm)
    await page.goto(site.url("/"))
    await page.wait_for_load_state("networkidle")
    for call in OPEN.values():
        await page.evaluate(call)
    await page.wait_for_load_state("networkidle")
    assert await page.evaluate("typeof jt") == "function"
    assert [text for text in said if "favicon" not in text and "404" not in text] == []
