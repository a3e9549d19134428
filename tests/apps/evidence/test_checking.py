"""What another side presents: each verdict, and that nothing in a text ever raises."""

from __future__ import annotations

import hmac
import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from apps.evidence.guangdong import DAY, ISSUER, compact
from kouan.apps.evidence import checking
from kouan.apps.evidence.models import PeerIssuer, PeerStatusList
from kouan.apps.evidence.sdjwt import making, status
from kouan.apps.evidence.sdjwt.signing import encoded, payload_of
from kouan.core.credentials import Verdict, broker


@pytest.fixture
def known(gd):
    """Guangdong, whose issuer and status list are known here."""
    assert gd.announce() == ("handled", "")
    assert gd.tell_status() == ("handled", "")
    return gd


def check(text, *, sender="gd", matter="matter-1", now=None, **how):
    return broker().check(text, sender=sender, matter=matter, now=now or timezone.now(), **how)


def test_a_good_one(known):
    found = check(known.present())
    assert (found.verdict, found.type, found.issuer) == (Verdict.GOOD, "gd.identity", "gd:public-security")
    assert found.claims == {"name": "WANG Xiaofang"}  # and not the sex, which was not ticked
    assert found.titles["name"].zh_hans == "Name（简）"
    assert found.level == 3
    assert found.expires_at > timezone.now() > found.issued_at


def test_a_requirement_is_met_or_not(known):
    text = known.present()
    assert check(text, requirement="identity").verdict is Verdict.GOOD
    other = check(text, requirement="residence")
    assert (other.verdict, other.claims, other.announced) == (Verdict.NOT_ASKED, {}, True)


def test_which_kinds_of_data_the_shown_claims_are_is_what_their_side_has_told(known):
    assert check(known.present()).elements == {"person.name"}
    assert check(known.present(show=["name", "sex"])).elements == {"person.name", "sex"}  # it told of no sex
    assert check(known.present(known.credential(exp=int(time.time()) - 5))).elements == {"person.name"}
    other = {"types": [known.announcement()["types"][0] | {"vct": f"{ISSUER}/evidence/types/gd.other"}]}
    assert known.announce(**other) == ("handled", "")
    assert check(known.present()).elements is None
    assert known.announce_1() == ("handled", "")
    assert check(known.present()).elements is None


def test_what_a_type_proves_is_not_known_before_its_side_has_told(known):
    PeerIssuer.objects.update(types=[])
    found = check(known.present(), requirement="identity")
    assert (found.verdict, found.claims, found.announced) == (Verdict.NOT_ASKED, {}, False)


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ({"matter": "matter-2"}, Verdict.BAD_BINDING),
        ({"to": "mo"}, Verdict.BAD_BINDING),
        ({"key": ECKey.generate_key("P-256")}, Verdict.BAD_BINDING),
        ({"at": int(time.time()) - DAY}, Verdict.BAD_BINDING),
        ({"at": int(time.time()) + DAY}, Verdict.BAD_BINDING),
    ],
    ids=["other-matter", "other-receiver", "other-holder", "older-than-itself", "from-tomorrow"],
)
def test_replayed_or_shown_by_another(known, how, verdict):
    found = check(known.present(**how))
    assert (found.verdict, found.claims) == (verdict, {})


def test_without_a_binding_or_a_key_of_the_holder(known):
    assert check(known.credential().showing(["name"])).verdict is Verdict.BAD_BINDING
    assert check(known.present(known.credential(cnf=None))).verdict is Verdict.BAD_BINDING


def test_a_binding_of_another_selection(known):
    made = known.credential()
    text = known.present(made)
    binding = text.rpartition("~")[2]
    assert check(made.showing(["name", "sex"]) + binding).verdict is Verdict.BAD_BINDING


def test_how_old_it_is_is_what_it_says_and_not_when_it_was_shown(known):
    now = int(time.time())
    found = check(known.present(known.credential(nbf=now - 400 * DAY)))
    assert (found.verdict, int(found.issued_at.timestamp())) == (Verdict.GOOD, now - 400 * DAY)
    assert int(check(known.present(known.credential(iat=now - 9))).issued_at.timestamp()) == now - 9
    for wrong in (now + DAY, -1, "yesterday"):
        assert check(known.present(known.credential(nbf=wrong))).verdict is Verdict.MALFORMED


def test_expired(known):
    now = int(time.time())
    found = check(known.present(known.credential(iat=now - 2 * DAY, exp=now - DAY)))
    assert (found.verdict, found.claims) == (Verdict.EXPIRED, {})


def test_what_an_unannounced_type_calls_itself_can_be_kept(known):
    found = check(known.present(known.credential(vct=f"{ISSUER}/evidence/types/gd.a\0b" + "c" * 200)))
    assert found.type == "gd.a\ufffdb" + "c" * 114


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(status.INVALID, Verdict.REVOKED), (status.SUSPENDED, Verdict.SUSPENDED), (3, Verdict.REVOKED)],
)
def test_taken_back(known, value, verdict):
    text = known.present(known.credential(index=77))
    assert check(text).verdict is Verdict.GOOD
    known.bits = status.with_status(known.bits, 77, value)
    assert known.tell_status() == ("handled", "")
    assert check(text).verdict is verdict
    assert check(known.present(known.credential(index=76))).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(status.INVALID, Verdict.REVOKED), (status.SUSPENDED, Verdict.SUSPENDED), (3, Verdict.REVOKED)],
)
def test_what_was_taken_back_and_has_ended_since_was_taken_back(known, value, verdict):
    text = known.present(known.credential(index=77))
    later = timezone.now() + timedelta(days=3)  # its own end, and that of every list that is here, are past
    assert check(text, now=later).verdict is Verdict.EXPIRED
    known.bits = status.with_status(known.bits, 77, value)
    assert known.tell_status() == ("handled", "")
    assert check(text, now=later).verdict is verdict
    assert check(known.present(known.credential(index=76)), now=later).verdict is Verdict.EXPIRED


def test_what_a_list_takes_back_stays_so_when_the_list_is_old(known):
    text = known.present(known.credential(index=77, exp=int(time.time()) + 9 * DAY))
    known.bits = status.with_status(known.bits, 77, status.INVALID)
    assert known.tell_status() == ("handled", "")
    assert check(text, now=timezone.now() + timedelta(days=5)).verdict is Verdict.REVOKED


def test_a_list_that_is_not_here_or_too_old(known):
    text = known.present()
    later = timezone.now() + timedelta(hours=47)
    longer = known.present(known.credential(exp=int(time.time()) + 9 * DAY))
    assert check(longer, now=later).verdict is Verdict.GOOD
    assert check(longer, now=later + timedelta(hours=2)).verdict is Verdict.STATUS_UNKNOWN
    beyond = known.present(known.credential(index=status.SIZE))
    assert check(beyond).verdict is Verdict.STATUS_UNKNOWN
    PeerStatusList.objects.all().delete()
    assert check(text).verdict is Verdict.STATUS_UNKNOWN


def test_an_older_list_never_replaces_a_newer_one(known):
    known.bits = status.with_status(known.bits, 5, status.INVALID)
    known.tell_status()
    known.bits = status.empty()
    assert known.tell_status(at=int(time.time()) - 600) == ("handled", "")
    assert check(known.present()).verdict is Verdict.REVOKED


def test_forged(known):
    forger = ECKey.generate_key("P-256")
    assert check(known.present(known.credential(key=forger))).verdict is Verdict.BAD_SIGNATURE
    token, *rest = known.present().split("~")
    head, _body, signature = token.split(".")
    payload = payload_of(token) | {"vct": f"{ISSUER}/evidence/types/gd.no-conviction"}
    changed = ".".join([head, encoded(json.dumps(payload).encode()), signature])
    made = known.credential()
    assert (
        check(known.present(making.Made(changed, made.disclosures), show=())).verdict is Verdict.BAD_SIGNATURE
    )
    assert rest


def test_a_key_counts_only_in_its_time(known):
    before = known.credential(iat=int(time.time()) - 200 * DAY)
    assert check(known.present(before)).verdict is Verdict.BAD_SIGNATURE


def test_an_issuer_that_nobody_announced(known, gd):
    assert check(known.present(known.credential(iss="http://127.0.0.1:9"))).verdict is Verdict.UNKNOWN_ISSUER
    assert check(known.present(), sender="mo").verdict is Verdict.UNKNOWN_ISSUER
    assert check(known.present(), sender="hk").verdict is Verdict.UNKNOWN_ISSUER


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"typ": "jwt"}, {"kid": None}, {"crit": ["x"]}],
    ids=lambda header: next(iter(header)),
)
def test_headers_that_may_not_be(known, header):
    made = known.credential()
    value = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": known.kid} | header
    head = encoded(json.dumps({name: each for name, each in value.items() if each is not None}).encode())
    token = ".".join([head, *made.token.split(".")[1:]])
    found = check(known.present(making.Made(token, made.disclosures)))
    assert found.verdict in {Verdict.MALFORMED, Verdict.BAD_SIGNATURE}


def test_a_public_key_is_no_secret(known):
    made = known.credential()
    head = encoded(json.dumps({"alg": "HS256", "typ": "dc+sd-jwt", "kid": known.kid}).encode())
    signed = f"{head}.{made.token.split('.')[1]}"
    secret = known.key.as_pem(private=False)
    token = f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"
    assert check(known.present(making.Made(token, made.disclosures))).verdict is Verdict.MALFORMED


def test_a_claim_that_may_not_be_hidden(known):
    made = known.credential(exp=None, hidden={"exp": 1, "name": "WANG"})
    assert check(known.present(made, show=("exp", "name"))).verdict is Verdict.MALFORMED
    made = known.credential(hidden={"name": {"given": "Xiaofang"}})
    assert check(known.present(made)).verdict is Verdict.MALFORMED


def test_from_the_future(known):
    ahead = known.credential(iat=int(time.time()) + 600)
    assert check(known.present(ahead)).verdict is Verdict.MALFORMED


def test_size_and_depth(known):
    assert check("a" * (checking.MAX_PRESENTATION + 1)).verdict is Verdict.MALFORMED
    deep: object = "x"
    for _ in range(40):
        deep = {"a": deep}
    assert check(known.present(known.credential(deep=deep))).verdict is Verdict.MALFORMED
    text = known.present()
    assert check(text.replace("~", "~W10~", 1)).verdict is Verdict.MALFORMED
    assert (
        check("~".join([text.partition("~")[0], *["WyJhIiwiYiIsImMiXQ"] * 200, ""])).verdict
        is Verdict.MALFORMED
    )


def test_a_result_needs_no_binding_where_none_is_asked_for(known):
    labels = {"name": {"en": "Name", "zh-hant": "姓名", "zh-hans": "姓名"}}
    made = known.credential(cnf=None, vct=f"{ISSUER}/evidence/types/decision", labels=labels)
    found = check(made.whole(), matter="")
    assert found.verdict is Verdict.GOOD
    assert found.type == "decision"
    assert found.titles["name"].zh_hant == "姓名"


@pytest.mark.parametrize(
    "text", ["", "~", "a.b.c~", "eyJ.eyJ.x~~", "\ud800~", "💥~", "..~", "é.é.é~", "a.b.c"]
)
def test_what_is_nothing(known, text):
    assert check(text).verdict is Verdict.MALFORMED


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_text_is_never_good_and_never_raises(known, data):
    text = data.draw(st.just(known.present()))
    place = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 12))
    put = data.draw(st.text(max_size=12))
    changed = text[:place] + put + text[place + length :]
    found = check(changed)
    assert found.verdict is not Verdict.GOOD or changed == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
_NAMES = st.sampled_from(
    [
        "iss",
        "iat",
        "exp",
        "vct",
        "cnf",
        "status",
        "_sd",
        "_sd_alg",
        "issuing_authority",
        "labels",
        "title",
        "x",
    ]
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=st.dictionaries(_NAMES, _JSON, min_size=1, max_size=4))
def test_whatever_an_issuer_signs_never_raises(known, changes):
    payload = payload_of(known.credential().token) | changes
    token = compact({"alg": "ES256", "typ": "dc+sd-jwt", "kid": known.kid}, payload, known.key)
    found = check(known.present(making.Made(token, {}), show=()))
    assert isinstance(found.verdict, Verdict)


def test_half_a_character_in_a_binding(known):
    shown = known.present()
    header = {"alg": "ES256", "typ": making.BINDING}
    said = payload_of(shown.rpartition("~")[2]) | {"sd_hash": "\ud800"}
    text = f"{shown.rpartition('~')[0]}~{compact(header, said, known.holder)}"
    assert check(text).verdict in {Verdict.BAD_BINDING, Verdict.MALFORMED}


def test_half_a_character_in_a_claim(known):
    header = {"alg": "ES256", "typ": making.CREDENTIAL, "kid": known.kid}
    said = payload_of(known.credential().token) | {"kouan": "\udfff"}
    token = compact(header, said, known.key)
    assert check(known.present(making.Made(token, known.credential().disclosures), show=())).verdict is (
        Verdict.MALFORMED
    )


def test_a_list_that_is_kept_with_a_long_term_counts_for_a_month_at_most(known):
    now = timezone.now()
    PeerStatusList.objects.update(ttl=(1 << 31) - 1, expires_at=None)
    text = known.present(known.credential(exp=int(time.time()) + 90 * DAY))
    assert check(text, now=now + timedelta(days=31)).verdict is Verdict.GOOD
    assert check(text, now=now + timedelta(days=32)).verdict is Verdict.STATUS_UNKNOWN
