"""Destinations in the dashboard: connected, checked, deleted; against a real HTTP server."""

from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE

from dashboard import places


def typed(at, **fields):
    """Into the fields of the form; they are sent with the click on its button."""
    for name, value in fields.items():
        [field] = [one for one in at.text_input if str(one.key).endswith(f"-{name}")]
        field.set_value(value)


def test_a_network_is_connected_and_its_secret_is_forgotten(fake):
    at = run("destinations")
    at.selectbox(key="destination-0-network").select("tiktok").run()
    at.button(key="destination-0-create").click().run()
    assert "Still missing: name, advertiser id, audience id." in seen(at)
    typed(at, name="Ads", ADVERTISER_ID="12", AUDIENCE_ID=" 34 ", access_token="s3cret-value")
    [secret] = [one for one in at.text_input if str(one.key).endswith("-secret-access_token")]
    assert secret.proto.type == secret.proto.PASSWORD
    at.button(key="destination-0-create").click().run()
    assert not at.exception
    [made] = [body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/destinations")]
    assert made == {
        "site": "shop",
        "name": "Ads",
        "kind": "network",
        "options": {"network": "tiktok", "ids": {"ADVERTISER_ID": "12", "AUDIENCE_ID": "34"}},
        "secrets": {"access_token": "s3cret-value"},
    }
    everything = html(at) + repr(at.session_state) + " ".join(str(one.value) for one in at.text_input)
    assert "s3cret-value" not in everything
    assert "with access token" in seen(at)


def test_a_server_is_connected_with_one_of_its_secrets_and_what_is_optional(fake):
    at = run("destinations")
    at.selectbox(key="destination-0-kind").select("sftp").run()
    at.selectbox(key="destination-0-sftp--set").select(1).run()
    key = "-----BEGIN OPENSSH PRIVATE KEY----- " + "A" * 70 + " -----END OPENSSH PRIVATE KEY-----"
    typed(at, name="Box", host="sftp.example", user="me", port="2222", private_key=key)
    at.button(key="destination-0-create").click().run()
    [made] = [body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/destinations")]
    assert made["options"] == {"host": "sftp.example", "user": "me", "port": 2222}
    kept = made["secrets"]["private_key"].splitlines()
    assert kept == [key[:35], "A" * 64, "A" * 6, key[-33:]]
    assert list(made["secrets"]) == ["private_key"]


def test_a_refused_destination_says_why_and_says_no_secret(fake):
    at = run("destinations")
    at.selectbox(key="destination-0-network").select("acme").run()
    typed(at, name="Refused", SEGMENT_ID="1", a_key="s3cret-value")
    at.button(key="destination-0-create").click().run()
    assert "It was not connected. Secrets must hold access_token." in " ".join(seen(at).split())
    assert "s3cret-value" not in html(at)
    assert fake.state.connected == {}


def test_a_destination_is_checked_and_deleted(fake):
    fake.state.connected["dst_2"] = {"id": "dst_2", "name": HOSTILE, "kind": "folder", "options": {"path": HOSTILE}}
    at = run("destinations")
    assert "3 people: it is not known yet whether they arrived." in seen(at)
    at.button(key="check-dst_2").click().run()
    assert f"It answers and can be sent to. seen as {HOSTILE}" in " ".join(seen(at).split())
    assert "<img" not in html(at)
    fake.state.checked = (409, {"error": {"code": "refused", "message": "the password is wrong"}})
    at.button(key="check-dst_1").click().run()
    assert "It does not take anything. The password is wrong." in " ".join(seen(at).split())
    fake.state.checked = (503, {"error": {"code": "try_later", "message": "the other side is away"}})
    at.button(key="check-dst_1").click().run()
    assert "It does not answer. The other side is away." in " ".join(seen(at).split())
    at.button(key="destination-delete-dst_2").click().run()
    assert fake.state.connected == {}


def test_without_destinations_the_page_says_what_to_do(fake):
    fake.state.places = False
    assert "No destination is connected yet." in seen(run("destinations"))


def test_what_is_typed_is_what_the_api_takes():
    body = places.body("shop", " A ", "email", {"to": "a@b.c, d@e.f", "port": "x1", "link": " "}, {"password": ""})
    assert body["options"] == {"to": ["a@b.c", "d@e.f"], "port": "x1"}
    assert (body["name"], body["secrets"]) == ("A", {})
    assert places.leads({"network": "meta", "ids": {"AUDIENCE_ID": "12"}}) == "meta · Audience id 12"
