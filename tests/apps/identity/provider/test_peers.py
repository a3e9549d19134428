"""A peer's node as a client: through the door alone, with an agreement, and on record."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.utils import timezone

import kouan.demo
from apps.identity.provider.person import Person
from apps.identity.provider.software import (
    KEY,
    OTHER,
    PROOF_KEY,
    Said,
    Software,
    claims_of,
    error_of,
    posting,
    query_of,
)
from kouan.apps.identity.models import AccessToken, AuthorizationCode, Link, PeerProvider, SignIn
from kouan.core.exchange import calls
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.outbox import _waiting
from kouan.core.trust import document as trust_document
from kouan.core.trust import queries as trust_queries
from kouan.core.trust import services as trust_services
from kouan.core.trust.own import load as load_keys
from kouan.core.trust.store import KeyStore

BACK = "http://127.0.0.1:18200/identity/relay/callback"
DOOR = "https://127.0.0.1:18101"
AGREEMENTS = Path(kouan.demo.__file__).parent / "agreements"
TEXT = {"en": "Clinic", "zh-hant": "診所", "zh-hans": "诊所"}
CLINIC = {
    "type": "urn:kouan:service",
    "id": "clinic",
    "side": "gd",
    "name": TEXT,
    "purpose": TEXT,
    "department": "Health Commission",
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("identity-keys")
    return {side: KeyStore.create(home / side, side, hosts=["127.0.0.1"]) for side in ("hk", "gd")}


@pytest.fixture
def node(db, settings, tmp_path, stores):
    """This process as Hong Kong's node, which knows Guangdong and has its provider's keys."""
    settings.NODE = replace(
        settings.NODE, keys=stores["hk"].directory, agreements=AGREEMENTS, run=tmp_path / "run"
    )
    trust_queries.forget_members()
    _waiting._counts.clear()
    theirs = load_keys(stores["gd"].directory, side="gd", door_url="https://127.0.0.1:18201").document
    content = trust_document.parse(theirs)
    trust_services.import_document(
        theirs, expected_fingerprint=trust_document.fingerprint(content), imported_by="test"
    )
    now = int(time.time())
    key = {"use": "client", "jwk": KEY.as_dict(private=False), "since": now - 60, "until": now + 3600}
    PeerProvider.objects.create(
        side="gd",
        issuer="http://127.0.0.1:18200",
        keys=[key],
        serial=1,
        told_at=timezone.now(),
        message_id="00000000-0000-0000-0000-000000000001",
    )
    yield settings.NODE
    trust_queries.forget_members()


class Node(Software):
    """Guangdong's node, which speaks the same as a service's software, but calls the door."""

    def request(self, **changes):
        details = changes.pop("details", [CLINIC])
        return super().request(
            **{"authorization_details": json.dumps(details), "scope": "openid", "claims": WANTED} | changes
        )

    def way(self, **changes):
        pushed = self.push("/identity/par", proof=True, **changes)
        assert pushed.status == 201, pushed.body
        query = {"client_id": self.client_id, "request_uri": pushed.json()["request_uri"]}
        return f"/oidc/authorize?{urlencode(query)}"

    def tokens(self, code):
        answer = self.redeem(code, "/identity/token")
        assert answer.status == 200, answer.body
        return answer.json()


WANTED = json.dumps({"userinfo": {"name": None, "document_type": None, "document_number": None}})


def calling(caller):
    def post(path, form, headers):
        told = {name.lower(): value for name, value in headers.items()}
        told["content-type"] = "application/x-www-form-urlencoded"
        answer = calls.answerer_of(path)(calls.Called(caller, path, urlencode(form).encode(), told))
        assert answer.headers.keys() <= calls.RETURNED
        return Said(answer.status, dict(answer.headers), answer.body)

    return post


@pytest.fixture
def peer(node):
    return Node(
        "urn:kouan:node:gd",
        calling("gd"),
        redirect_uri=BACK,
        key=KEY,
        proof_key=PROOF_KEY,
        base=DOOR,
    )


class Traveller(Person):
    """Somebody of Hong Kong who goes to a service of Guangdong."""

    back = BACK


@pytest.fixture
def traveller(node):
    return Traveller()


def test_a_peers_node_is_told_and_both_digests_cross(peer, traveller):
    said = traveller.sign_in(peer.way())
    assert said["iss"] == "http://127.0.0.1:18100"
    tokens = peer.tokens(said["code"])
    row = SignIn.objects.get()
    assert claims_of(tokens["id_token"])["aud"] == "urn:kouan:node:gd"
    assert claims_of(tokens["id_token"])["sub"] == row.subject
    answers = [peer.ask(tokens["access_token"], "/identity/userinfo") for _ in range(2)]
    assert [answer.headers["content-type"] for answer in answers] == ["application/jwt"] * 2
    assert answers[0].body == answers[1].body  # what was put on record, byte for byte
    told = claims_of(answers[0].body.decode())
    assert told["sub"] == row.subject
    assert (told["iss"], told["aud"]) == ("http://127.0.0.1:18100", "urn:kouan:node:gd")
    assert told["name"] == "LEE Ka Yan"
    assert told["document_type"] == "hkid"
    assert "document_number" not in told  # never leaves its side
    assert bytes(row.id_token_digest) == hashlib.sha256(tokens["id_token"].encode()).digest()
    assert bytes(row.userinfo_digest) == hashlib.sha256(answers[0].body).digest()
    message = OutboxMessage.objects.get(message_id=row.message_id)
    assert (message.type, message.peer, message.consent) == (
        "identity.sign-in",
        "gd",
        f"identity:{row.receipt.key}",
    )


def test_two_services_of_a_peer_know_a_person_differently(peer, traveller):
    subjects = []
    for service in ("clinic", "school", "clinic"):
        said = traveller.sign_in(peer.way(details=[CLINIC | {"id": service}]))
        subjects.append(claims_of(peer.tokens(said["code"])["id_token"])["sub"])
    assert subjects[0] == subjects[2] != subjects[1]


def test_without_an_agreement_nobody_is_sent_on(peer, traveller, settings, tmp_path):
    settings.NODE = replace(settings.NODE, agreements=tmp_path)
    answer = peer.push("/identity/par", proof=True)
    assert error_of(answer, 403) == "access_denied"
    assert "agreement" in answer.json()["error_description"]


def test_an_agreement_that_ends_on_the_way_gives_no_tokens(peer, traveller, settings, tmp_path):
    said = traveller.sign_in(peer.way())
    settings.NODE = replace(settings.NODE, agreements=tmp_path)
    assert error_of(peer.redeem(said["code"], "/identity/token"), 403) == "access_denied"
    assert not AccessToken.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert AuthorizationCode.objects.exists()  # nothing of it has happened


def test_a_consent_that_is_withdrawn_on_the_way_gives_no_tokens(peer, traveller):
    said = traveller.sign_in(peer.way())
    SignIn.objects.get().receipt.__class__.objects.update(withdrawn_at=timezone.now())
    assert error_of(peer.redeem(said["code"], "/identity/token"), 403) == "access_denied"
    assert not AccessToken.objects.exists()


def test_a_node_is_the_one_that_its_certificate_names(peer, traveller):
    said = traveller.sign_in(peer.way())
    macao = Node(**vars(peer) | {"post": calling("mo")})
    assert error_of(macao.push("/identity/par", proof=True), 401) == "invalid_client"
    assert error_of(macao.redeem(said["code"], "/identity/token"), 401) == "invalid_client"
    token = peer.tokens(said["code"])["access_token"]
    assert error_of(macao.ask(token, "/identity/userinfo"), 401) == "invalid_token"


def test_nodes_come_through_the_door_and_services_to_the_portal(peer, traveller, software):
    portal = Node(**vars(peer) | {"post": posting, "base": ""})
    assert error_of(portal.push(proof=True), 401) == "invalid_client"
    said = traveller.sign_in(peer.way())
    assert error_of(portal.redeem(said["code"]), 401) == "invalid_client"
    token = peer.tokens(said["code"])["access_token"]
    assert error_of(portal.ask(token), 401) == "invalid_token"
    service = software("fapi2")
    service.post, service.base = calling("gd"), DOOR
    assert error_of(service.push("/identity/par"), 401) == "invalid_client"


def test_a_proof_names_the_doors_own_address(peer):
    peer.base = "http://127.0.0.1:18100"
    assert error_of(peer.push("/identity/par", proof=True)) == "invalid_dpop_proof"


def test_a_node_pushes_its_requests(peer, traveller):
    answer = traveller.browser.get(f"/oidc/authorize?{urlencode(peer.request())}")
    assert query_of(answer.headers["location"])["error"] == "invalid_request"


@pytest.mark.parametrize(
    "details",
    [
        [],
        [CLINIC, CLINIC],
        [CLINIC | {"side": "hk"}],
        [CLINIC | {"id": "c" * 65}],
        [CLINIC | {"name": {"en": "Clinic"}}],
        [CLINIC | {"more": 1}],
        [CLINIC, {"type": "urn:kouan:other"}],
        [CLINIC, {"type": "urn:kouan:link", "link": "no number", "subject": "s", "document": "hkid"}],
        {"type": "urn:kouan:service"},
        None,
        "[" * 5000,
    ],
)
def test_what_a_node_says_of_a_service_is_checked(details, peer):
    assert (
        error_of(peer.push("/identity/par", proof=True, details=details)) == "invalid_authorization_details"
    )


def test_a_node_whose_key_has_ended_is_nobody(peer):
    row = PeerProvider.objects.get()
    row.keys[0]["until"] = int(time.time()) - 1
    row.save()
    assert error_of(peer.push("/identity/par", proof=True), 401) == "invalid_client"
    peer.key = OTHER
    assert error_of(peer.push("/identity/par", proof=True), 401) == "invalid_client"


def test_the_id_token_names_the_link_that_counts(peer, traveller):
    link = Link.objects.create(
        resident=traveller.resident,
        peer="gd",
        document=b"d" * 32,
        began_here=True,
        state="active",
        began_at=timezone.now(),
    )
    tokens = peer.tokens(traveller.sign_in(peer.way())["code"])
    assert claims_of(tokens["id_token"])["urn:kouan:link"] == str(link.key)
    Link.objects.update(state="ended")
    tokens = peer.tokens(traveller.sign_in(peer.way())["code"])
    assert "urn:kouan:link" not in claims_of(tokens["id_token"])
