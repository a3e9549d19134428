"""Officers who come from the side's staff provider."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from kouan.apps.staff.models import Officer, Post, PostChange, SignIn
from kouan.web import oidc
from kouan.web.access import has_role
from oidc_peers import certified

pytestmark = pytest.mark.django_db


@pytest.fixture
def go(client, provider):
    """Go to the provider and come back: ``go(department="works", roles=["issuer"])`` returns the answer."""

    def come_back(query="", *, by=client, **said):
        provider.userinfo = said
        url = by.get("/sign-in/provider" + query).headers["Location"]
        fields = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        provider.nonce = fields["nonce"]
        back = {"code": "a-code", "state": fields["state"], "iss": provider.issuer}
        return by.get(f"/sign-in/provider/back?{urlencode(back)}")

    return come_back


def test_an_account_is_made_when_the_claims_give_it_a_post(client, go, works, law):
    answer = go("?next=/accessibility", department="works", roles=["issuer", "law/operator"],
                preferred_username="chan")  # fmt: skip
    assert answer.headers["Location"] == "/accessibility"
    user = User.objects.get()
    assert (user.username, user.has_usable_password()) == ("chan", False)
    assert [(post.department.code, post.role, post.by_provider) for post in Post.objects.all()] == [
        ("works", "issuer", True)
    ]
    assert has_role(user, "issuer")
    sign_in = SignIn.objects.get()
    assert (sign_in.way, sign_in.sid) == ("provider", "session-1")
    assert "identity provider looks after your account" in client.get("/account/").content.decode()


@pytest.mark.parametrize("said", [{}, {"department": "works"}, {"roles": ["issuer"]},
                                  {"department": "unknown", "roles": ["issuer"]},
                                  {"department": "works", "roles": ["superuser"]}])  # fmt: skip
def test_without_a_post_there_is_no_account(go, works, said):
    answer = go(**said)
    assert (answer.status_code, "gives you no post" in answer.content.decode()) == (403, True)
    assert not User.objects.exists()


def test_posts_follow_the_claims_and_go_with_them(client, go, works, law):
    go(department="works", roles=["issuer"])
    go(department=["works", "law"], roles=["operator"])
    user = User.objects.get()
    assert {(post.department.code, post.role) for post in user.posts.all()} == {
        ("works", "operator"), ("law", "operator"),
    }  # fmt: skip
    assert not has_role(user, "issuer")
    assert go().status_code == 403
    assert not Post.objects.exists()
    assert not has_role(User.objects.get(), "operator")
    assert {change.by for change in PostChange.objects.all()} == {"staff provider"}
    assert go(department="works", roles=["issuer"]).status_code == 302
    assert User.objects.count() == 1


def test_a_name_does_not_take_over_a_local_account(go, works, operator):
    go(department="works", roles=["issuer"], preferred_username="Operator")
    made = Officer.objects.get(issuer__startswith="http").user
    assert made != operator
    assert made.username.startswith("staff-")


def test_a_closed_account_stays_outside(client, go, works):
    go(department="works", roles=["issuer"])
    User.objects.update(is_active=False)
    answer = go(by=Client(), department="works", roles=["issuer"])
    assert (answer.status_code, "may not sign in any more" in answer.content.decode()) == (403, True)


def test_an_account_of_the_provider_has_no_way_of_its_own(client, sign_in, go, works, operator):
    go(department="works", roles=["issuer"], preferred_username="chan")
    for path in ("/account/app", "/account/passkey"):
        assert client.get(path).status_code == 409
    chan = User.objects.get(username="chan")
    client.post("/sign-out")
    assert sign_in("chan").status_code == 422
    sign_in("operator")
    assert "staff provider keeps" in client.get(f"/staff/{chan.pk}/").content.decode()
    answer = client.post(f"/staff/{chan.pk}/", {"department": "works", "role": "operator"})
    assert answer.status_code == 409


def test_the_level_that_is_asked_for_must_be_reached(provider, go, works):
    provider.claims = {"acr": "urn:gba:loa:2"}
    answer = go(department="works", roles=["issuer"])
    assert (answer.status_code, "lower level" in answer.content.decode()) == (403, True)
    assert not User.objects.exists()


def test_an_answer_is_good_for_once_and_for_its_browser(client, provider, works):
    provider.userinfo = {"department": "works", "roles": ["issuer"]}
    url = client.get("/sign-in/provider").headers["Location"]
    fields = parse_qs(urlsplit(url).query)
    provider.nonce = fields["nonce"][0]
    query = urlencode({"code": "a-code", "state": fields["state"][0], "iss": provider.issuer})
    other = Client()
    assert other.get(f"/sign-in/provider/back?{query}").status_code == 400
    kept = dict(client.session)
    assert client.get(f"/sign-in/provider/back?{query}").status_code == 302
    assert client.get(f"/sign-in/provider/back?{query}").status_code == 400
    session = client.session
    session.update(kept)  # as a request at the same moment would find it
    session.save()
    assert client.get(f"/sign-in/provider/back?{query}").status_code == 400
    assert SignIn.objects.count() == 1


def test_signing_in_again_asks_the_provider_for_a_fresh_proof(client, go, works):
    go(department="works", roles=["issuer"])
    assert "Go to the staff provider" in client.get("/sign-in?again=1").content.decode()
    asked = parse_qs(urlsplit(client.get("/sign-in/provider").headers["Location"]).query)
    assert (asked["max_age"], asked["prompt"]) == (["0"], ["login"])


def test_signing_out_says_that_the_provider_still_knows_one(client, go, provider, works):
    go(department="works", roles=["issuer"])
    shown = client.post("/sign-out").content.decode()
    assert f'href="{provider.issuer}/leave?from=here&amp;client_id=kouan"' in shown


# Its back channel


def test_the_provider_ends_sessions(client, go, provider, works):
    go(department="works", roles=["issuer"])
    other = Client()
    provider.claims = {"sid": "session-2"}
    go(by=other, department="works", roles=["issuer"])
    token = provider.logout_token(sub=None)
    assert Client().post("/sign-in/provider/logout", {"logout_token": token}).status_code == 200
    assert "Signed in as" not in client.get("/").content.decode()
    assert "Signed in as" in other.get("/").content.decode()
    again = Client().post("/sign-in/provider/logout", {"logout_token": token})
    assert (again.status_code, again.json()["error_description"]) == (400, "used-before")
    whole = provider.logout_token(sid=None, jti="logout-2")
    assert Client(enforce_csrf_checks=True).post(
        "/sign-in/provider/logout", {"logout_token": whole}
    ).status_code == 200  # fmt: skip
    assert "Signed in as" not in other.get("/").content.decode()


def test_somebody_else_ends_nothing(client, go, provider, works):
    go(department="works", roles=["issuer"])
    for token in ("", "a.b.c", provider.logout_token(iss="https://other.example"), provider.id_token("x")):
        answer = Client().post("/sign-in/provider/logout", {"logout_token": token})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "Signed in as" in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["/sign-in/provider", "/sign-in/provider/back"])
def test_a_side_without_a_provider_has_none_of_this(client, path):
    assert client.get(path).status_code == 404
    assert client.post("/sign-in/provider/logout").status_code == 404
    assert "staff provider" not in client.get("/sign-in").content.decode()


def test_a_provider_that_does_not_answer_is_told_as_such(client, provider):
    provider.close()
    answer = client.get("/sign-in/provider")
    assert (answer.status_code, "does not answer" in answer.content.decode()) == (503, True)


def test_officers_of_a_certified_provider(client, configure, works):
    people = {"officer-1": {"department": "works", "roles": ["issuer"], "name": "Chan Tai Man"}}
    registered = {
        "client_id": "kouan",
        "client_secret": "a secret of the test",
        "redirect_uris": ["http://127.0.0.1:18100/sign-in/provider/back"],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": "ES256",
    }
    with certified(clients=[registered], people=people, acr="urn:gba:loa:3",
                   acr_values=["urn:gba:loa:3"]) as peer:  # fmt: skip
        oidc.forget()
        configure(
            issuer=peer.issuer,
            client_id="kouan",
            client_secret=registered["client_secret"],
            scopes=("openid", "staff"),
            acr=("urn:gba:loa:3",),
        )
        url = client.get("/sign-in/provider").headers["Location"]
        query = peer.visit(url, registered["redirect_uris"][0])
        assert client.get(f"/sign-in/provider/back?{query}").headers["Location"] == "/"
    assert {(post.department.code, post.role) for post in Post.objects.all()} == {("works", "issuer")}
