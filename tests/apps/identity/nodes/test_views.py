from __future__ import annotations

import pytest
from django.test import Client

from kouan.apps.identity import linking
from kouan.apps.identity.models import Interaction, Link
from kouan.apps.identity.provider import finishing, interactions


@pytest.fixture
def resident(gd, session):
    """A browser in which a resident is signed in, and their session."""
    held, browser = session(), Client(enforce_csrf_checks=True)
    browser.get("/accessibility")
    kept = browser.session
    kept["identity_home"] = str(held.key)
    kept.save()
    return browser, held


def test_a_link_is_begun_by_our_own_page_alone(resident):
    browser, _ = resident
    assert browser.post("/identity/links/begin", {"side": "gd"}).status_code == 403
    assert not Link.objects.exists()
    page = browser.get("/identity/links/")
    token = page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    told = {"side": "gd", "csrfmiddlewaretoken": token}
    assert browser.post("/identity/links/begin", told).status_code == 200
    assert Link.objects.get().state == "begun"


def test_a_get_begins_no_link(resident):
    browser, _ = resident
    assert browser.get("/identity/links/begin", {"side": "gd"}).status_code == 405


def test_the_way_on_is_in_the_browser_that_began(gd, interaction, client):
    row = interaction()
    assert client.get(f"/identity/sign-in/{row.key}/peer").status_code == 410
    assert not gd.calls


def test_the_browser_is_sent_on_and_no_cache_keeps_it(gd, interaction, client):
    row = interaction()
    kept = client.session
    kept["identity_browser"] = "a browser"
    kept.save()
    answer = client.get(f"/identity/sign-in/{row.key}/peer")
    assert (answer.status_code, answer["Location"].split("?")[0]) == (
        303,
        "http://127.0.0.1:18200/oidc/authorize",
    )
    assert "no-store" in answer["Cache-Control"]
    query = {"state": gd.asked["state"], "code": "a-code", "iss": "http://127.0.0.1:18200"}
    answer = client.get("/identity/relay/callback", query)
    assert answer.status_code == 303
    assert answer["Location"].startswith("https://library.example/back?code=")
    assert not Interaction.objects.filter(pk=row.pk).exists()
    assert client.get("/identity/relay/callback", query).status_code == 410


def test_the_last_step_can_be_taken_again_if_it_fails(gd, interaction, client, monkeypatch):
    """The other side's answer counts once, so the browser is left at an address that it can ask for again."""
    row = interaction()
    kept = client.session
    kept["identity_browser"] = "a browser"
    kept.save()
    client.get(f"/identity/sign-in/{row.key}/peer")
    query = {"state": gd.asked["state"], "code": "a-code", "iss": "http://127.0.0.1:18200"}
    with monkeypatch.context() as broken:
        broken.setattr(finishing, "finish", lambda **_: 1 / 0)
        answer = client.get("/identity/relay/callback", query)
    assert (answer.status_code, answer["Location"]) == (303, f"/identity/sign-in/{row.key}/done")
    assert client.get(answer["Location"])["Location"].startswith("https://library.example/back?code=")


def test_a_refusal_is_the_services_to_hear_or_the_persons_to_read(gd, interaction, client):
    kept = client.session
    kept["identity_browser"] = "a browser"
    kept.save()
    for word, status in (("temporarily_unavailable", 503), ("weird", 403), ("access_denied", 303)):
        row = interaction()
        client.get(f"/identity/sign-in/{row.key}/peer")
        query = {"state": gd.asked["state"], "error": word, "iss": "http://127.0.0.1:18200"}
        answer = client.get("/identity/relay/callback", query)
        assert answer.status_code == status
        assert Interaction.objects.filter(pk=row.pk).exists() is (status != 303)
    assert answer["Location"].startswith("https://library.example/back?error=access_denied")


def test_a_link_that_was_refused_there_leads_back_to_the_links(gd, resident):
    browser, held = resident
    kept = browser.session
    kept["identity_browser"] = "a browser"
    kept.save()
    row = linking.begin(session=held, browser=interactions.browser_digest(browser), peer="gd")
    browser.get(f"/identity/sign-in/{row.key}/peer")
    query = {"state": gd.asked["state"], "error": "access_denied", "iss": "http://127.0.0.1:18200"}
    answer = browser.get("/identity/relay/callback", query)
    assert (answer.status_code, answer["Location"]) == (303, "/identity/links/")
    assert Link.objects.get().state == "ended"


@pytest.mark.parametrize("query", ["state=a&state=b", "state=" + "x" * 3000, "", "code=%ff&state=%ff"])
def test_answers_that_nobody_sends(node, client, query):
    assert client.get(f"/identity/relay/callback?{query}").status_code == 410
