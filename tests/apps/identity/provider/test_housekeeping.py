"""What the provider forgets, and the foreign persons that it lets through."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.identity.provider.software import claims_of
from kouan.apps.identity import keys
from kouan.apps.identity.models import (
    AccessToken,
    AuthorizationCode,
    Interaction,
    Link,
    PushedRequest,
    SignIn,
    SigningKey,
    SpentToken,
)
from kouan.apps.identity.provider import housekeeping, interactions

KEPT = (AccessToken, AuthorizationCode, Interaction, PushedRequest, SpentToken)


def test_what_has_expired_is_forgotten_and_nothing_else(software, person):
    client = software()
    token = client.redeem(person.sign_in(client.way())["code"]).json()["access_token"]
    person.sign_in(client.way())
    person.arrive(client.way())
    client.push()
    assert not housekeeping.tidy()
    assert all(model.objects.exists() for model in KEPT)
    assert client.ask(token).status == 200
    assert SignIn.objects.filter(told__isnull=False).count() == 2
    for model in KEPT:
        model.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    SignIn.objects.update(at=timezone.now() - timedelta(minutes=7))
    assert not housekeeping.tidy()
    assert not any(model.objects.exists() for model in KEPT)
    assert SignIn.objects.filter(told__isnull=True).count() == 2


def test_much_is_forgotten_in_several_goes(db, monkeypatch):
    monkeypatch.setattr(housekeeping, "AT_ONCE", 2)
    over = timezone.now() - timedelta(seconds=1)
    SpentToken.objects.bulk_create(SpentToken(digest=bytes([n]) * 32, expires_at=over) for n in range(5))
    assert [housekeeping.tidy() for _ in range(3)] == [True, True, False]
    assert not SpentToken.objects.exists()


def test_keys_are_renewed_in_time_and_old_tokens_still_verify(software, person, client):
    service = software("public")
    token = service.redeem(person.sign_in(service.way())["code"]).json()["id_token"]
    old = keys.current(SigningKey.Use.TOKEN)
    now = timezone.now()
    SigningKey.objects.update(since=now - keys.LIFE, until=now + timedelta(days=1))
    housekeeping.tidy()
    published = [key["kid"] for key in client.get("/oidc/jwks").json()["keys"]]
    assert published[0] == old.kid
    assert len(published) == 2
    assert keys.current(SigningKey.Use.TOKEN).kid == old.kid
    SigningKey.objects.filter(kid=old.kid).update(until=now)
    assert keys.current(SigningKey.Use.TOKEN, now=now + timedelta(days=1)).kid == published[1]
    hint = service.way(id_token_hint=token)
    assert "code" in person.sign_in(hint)


FOREIGN = {
    "side": "gd",
    "subject": "S" * 43,
    "sid": "6f0d2a53-58a6-4a0c-a1fd-06c4a3b47cbc",
    "level": 3,
    "amr": ["pwd", "face"],
    "claims": {"name": "王小芳", "document_number": "must not be here", "email": "not asked for"},
    "link": "",
    "id_token_digest": "aa" * 32,
    "userinfo_digest": "bb" * 32,
}


def relayed(person, way, **changes):
    row = person.arrive(way)
    foreign = FOREIGN | {"auth_time": int(timezone.now().timestamp())} | changes
    interactions.relayed(key=row.key, browser=bytes(row.browser), foreign=foreign, level=foreign["level"])
    return row


def test_a_person_of_another_side_is_told_with_what_that_side_said(software, person):
    client = software("public", sides=["gd"])
    row = relayed(person, client.way(kouan_side="gd"))
    tokens = client.redeem(person.leave(row)["code"]).json()
    claims = claims_of(tokens["id_token"])
    kept = SignIn.objects.get()
    assert (claims["acr"], claims["amr"]) == ("urn:gba:loa:3", ["pwd", "face"])
    assert claims["sub"] == kept.subject != FOREIGN["subject"]
    assert (kept.home_side, kept.peer_sid, kept.resident) == ("gd", FOREIGN["sid"], None)
    assert bytes(kept.id_token_digest).hex() == FOREIGN["id_token_digest"]
    assert client.ask(tokens["access_token"]).json() == {"sub": kept.subject, "name": "王小芳"}


def test_a_person_of_another_side_is_known_again_at_one_service_and_at_no_other(software, person):
    first, second = software("public", sides=["gd"]), software("public", "pool", sides=["gd"])
    subjects = []
    for client in (first, second, first):
        said = person.leave(relayed(person, client.way(kouan_side="gd")))
        subjects.append(claims_of(client.redeem(said["code"]).json()["id_token"])["sub"])
    assert subjects[0] == subjects[2] != subjects[1]


def test_a_linked_person_of_another_side_is_known_as_the_one_that_they_are_here(software, person):
    client = software("public", sides=["gd"])
    here = client.redeem(person.sign_in(client.way(kouan_side="hk"))["code"]).json()["id_token"]
    now = timezone.now()
    link = Link.objects.create(
        resident=person.resident, peer="gd", state="active", began_here=True, began_at=now, cooling_until=now
    )
    row = relayed(person, client.way(kouan_side="gd"), link=str(link.key))
    there = client.redeem(person.leave(row)["code"]).json()["id_token"]
    assert claims_of(here)["sub"] == claims_of(there)["sub"]


def test_an_old_sign_in_on_another_side_is_not_passed_off_as_fresh(software, person, refused):
    client = software("public", sides=["gd"])
    row = relayed(person, client.way(kouan_side="gd", max_age="60"), auth_time=1)
    assert refused(person.browser.get(f"/identity/sign-in/{row.key}/done")) == "login_required"
