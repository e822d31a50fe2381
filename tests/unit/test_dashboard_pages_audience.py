"""An audience's page: recipes, who is in it, files for networks, deliveries to destinations."""

import pytest
from dashboard_run import run, seen

from dashboard import recipes
from dashboard.views import audience_asked
from tracker.audiences.definition import define


def test_a_recipe_is_an_audience_in_three_clicks(fake):
    at = run("audiences")

    def again():  # this test client runs the whole page each time, so the dialog is opened again
        at.button(key="new-audience").click().run()
        assert not at.exception

    again()
    chosen = at.selectbox(key="new-recipe")
    assert "Cart abandoned" in chosen.options
    assert "Newsletter readers who do not buy" not in chosen.options  # this site knows no such event
    chosen.set_value(next(one for one in recipes.RECIPES if one.key == "cart"))
    again()
    at.selectbox(key="new-within-cart").set_value("7d")
    again()
    assert "Reached “Add to cart” but not “Purchase” in the last 7 days" in seen(at)
    at.button(key="new-create").click()
    at.button(key="new-audience").click().run()  # opens the new audience, which is no page of this test
    made = next(body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/audiences"))
    assert made["name"] == "Cart abandoned"
    assert made["rule"]["dropped"]["within"] == "7d"


@pytest.mark.parametrize("key", ["dropped", "interest"])
def test_a_recipe_may_ask_for_a_step_of_a_saved_funnel_or_for_an_interest(fake, key):
    steps = [{"event": "view_item"}, {"event": "add_to_cart"}, {"event": "purchase", "name": "Bought"}]
    funnel = {"site": "shop", "steps": steps, "window": "3d", "mode": "strict"}
    saved = fake.state.keep(fake.state.funnels, {"site": "shop", "name": "Checkout", "funnel": funnel})
    at = run("audiences")

    def again():  # see above
        at.button(key="new-audience").click().run()
        assert not at.exception

    again()
    offered = at.selectbox(key="new-recipe")
    assert {"Left a saved funnel", "Similar interest", "At risk"} <= set(offered.options)
    offered.set_value(next(one for one in (audience_asked.DROPPED, audience_asked.INTEREST) if one.key == key))
    again()
    if key == "dropped":
        at.selectbox(key=f"new-funnel-after-{saved['id']}").set_value(2)
    else:
        at.selectbox(key="new-interest-by").set_value("device")
        again()
        at.multiselect(key="new-interest-device").set_value(["mobile"])
    again()
    at.button(key="new-create").click()
    at.button(key="new-audience").click().run()
    made = next(body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/audiences"))
    if key == "dropped":
        dropped = made["rule"]["dropped"]
        assert (dropped["after_step"], dropped["within"], dropped["wait"]) == (2, "30d", "1h")
        assert (dropped["funnel"]["window"], dropped["funnel"]["mode"]) == ("3d", "strict")
        assert [step["event"] for step in dropped["funnel"]["steps"]] == ["view_item", "add_to_cart", "purchase"]
    else:
        where = [{"property": "device", "op": "in", "value": ["mobile"]}]
        assert made["rule"] == {"did": {"event": "view_item", "where": where, "count": {"gte": 2}, "within": "30d"}}
    define("shop", made["rule"], lookup=lambda _id: {})


def audience(fake):
    rule = {
        "all": [
            {"did": {"event": "view_item", "within": "14d"}},
            {"not": {"did": {"event": "purchase", "within": "14d"}}},
        ]
    }
    return fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Lookers", "rule": rule, "duration": "30d"})[
        "id"
    ]


def test_an_audience_says_who_is_in_it_and_who_is_withheld(fake):
    text = seen(run("audience", id=audience(fake)))
    for expected in (
        "Lookers",
        "312",
        "241",
        "have not agreed to advertising",
        "Did “View item” in the last 14 days",
        "Did not do “Purchase”",
    ):
        assert expected in text


@pytest.mark.parametrize("page", ["audience", "audience_edit"])
def test_the_address_of_an_audience_turns_the_sidebar_to_its_site(fake, page):
    fake.state.sites.insert(0, fake.state.sites[0] | {"name": "another", "site": "another"})
    at = run(page, id=audience(fake))
    assert at.selectbox(key="site").value == "shop"
    counted = [body["site"] for _, path, body in fake.state.asked if path.endswith("/preview")]
    assert set(counted) == {"shop"}


def test_the_list_has_the_sizes_of_the_last_refresh_and_counts_only_what_had_none(fake):
    stored = {"state": "ready", "as_of": "2026-11-27T23:30:00Z", "members": 5120, "exportable": 7}
    fake.state.audiences[audience(fake)]["membership"] = stored
    audience(fake)
    text = " ".join(seen(run("audiences")).split())
    assert "5,120 people, <10 exportable" in text and "312 people, 241 exportable" in text
    assert len([path for _, path, _ in fake.state.asked if path.endswith("/preview")]) == 1


def test_an_audience_that_is_gone_is_a_sentence(fake):
    assert "There is no /api/v1/audiences/gone." in seen(run("audience", id="gone"))


def test_a_download_goes_through_the_export(fake):
    at = run("audience", id=audience(fake))
    at.button(key="export-1-start").click().run()
    at.run()
    assert "241 people are in the file" in seen(at)
    assert [one.proto.label for one in at.get("download_button")] == ["Download", "Manifest"]
    assert any(path.endswith("/manifest") for _, path, _ in fake.state.asked)


def test_a_network_that_needs_more_people_says_so_before_anything_is_made(fake):
    at = run("audience", id=audience(fake))
    assert seen(at).count("TikTok needs 1,000 people in a list.") == 1, "of the delivery to TikTok"
    at.selectbox(key="export-1-kind").select("tiktok").run()
    assert seen(at).count("TikTok needs 1,000 people in a list.") == 2
    at.selectbox(key="export-1-mode").select("delta").run()
    at.button(key="export-1-start").click().run()
    assert not at.exception
    assert fake.state.exports["1"]["network"] == "tiktok"


def test_a_list_below_the_minimum_of_the_site_says_so_before_anything_is_made(fake):
    fake.state.sites[0]["min_size"] = 242
    assert "This site exports 242 people at least" in seen(run("audience", id=audience(fake)))


def test_a_list_as_long_as_the_minimum_of_the_site_is_not_warned_about(fake):
    fake.state.sites[0]["min_size"] = 241
    assert "people at least" not in seen(run("audience", id=audience(fake)))


def test_what_a_network_lets_choose_is_sent_along(fake):
    at = run("audience", id=audience(fake))
    at.selectbox(key="export-1-kind").select("liveramp").run()
    at.selectbox(key="export-1-liveramp-delimiter").select("|").run()
    at.selectbox(key="export-1-liveramp-compression").select("none").run()
    at.button(key="export-1-start").click().run()
    assert not at.exception
    assert ordered(fake)[-1]["options"] == {"delimiter": "|", "compression": "none"}
    at = run("audience", id="1")
    at.selectbox(key="export-1-kind").select("openrtb").run()
    at.text_input(key="export-1-openrtb-segments").set_value("753, 1675").run()
    at.button(key="export-1-start").click().run()
    assert ordered(fake)[-1]["options"] == {"segments": ["753", "1675"]}


def ordered(fake):
    return [body for method, path, body in fake.state.asked if method == "POST" and path.endswith("/export")]


def test_a_failed_export_says_why(fake):
    fake.state.minimum = True
    at = run("audience", id=audience(fake))
    at.button(key="export-1-start").click().run()
    at.run()
    assert "the site's minimum is 100" in seen(at)
    assert len(at.get("download_button")) == 0


def test_a_dry_run_shows_what_a_delivery_would_send(fake):
    id = audience(fake)
    at = run("audience", id=id)
    at.button(key=f"deliver-{id}-dry").click().run()
    at.run()
    wanted = {"destination": "dst_1", "network": "tiktok", "shape": "api", "mode": "delta", "dry_run": True}
    assert ordered(fake) == [wanted]
    assert "241 people are in the file." in seen(at) and len(at.get("download_button")) == 2
    assert not [path for method, path, _ in fake.state.asked if method == "POST" and path.endswith("/deliveries")]


def test_an_audience_is_connected_with_a_destination_and_says_how_it_goes(fake):
    id = audience(fake)
    at = run("audience", id=id)
    at.button(key=f"deliver-{id}-start").click().run()
    [made] = [body for method, path, body in fake.state.asked if method == "POST" and path.endswith("/deliveries")]
    wanted = {"destination": "dst_1", "network": "tiktok", "shape": "api", "mode": "delta", "every": "15m"}
    assert made == wanted
    text = seen(run("audience", id=id))
    assert "Meta of the shop, every 15 minutes: failed 2 times in a row." in text
    assert "The network does not take these credentials" in text and "3 people: it is not known yet" in text
    fake.state.deliveries["1"]["last"] = {"state": "done", "finished": "2026-11-27T23:30:00Z", "counts": {"written": 3}}
    assert "3 added, 0 taken back. The last one ended on 28 Nov 2026, 00:30." in " ".join(
        seen(run("audience", id=id)).split()
    )
    at = run("audience", id=id)
    at.button(key="end-1").click().run()
    assert fake.state.deliveries == {}
    fake.state.places = False
    assert "No destination is connected yet" in seen(run("audience", id=id))
