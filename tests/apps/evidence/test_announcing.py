"""What members are told of this side's issuer and status lists, and what is kept of theirs."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey

from apps.evidence.guangdong import DAY, ISSUER
from kouan.apps.evidence import announcing, hearing, keys, records, statuses
from kouan.apps.evidence.domain import Change
from kouan.apps.evidence.models import Announced, PeerIssuer, PeerStatusList, StatusList, StatusTold
from kouan.apps.evidence.sdjwt import reading, signing, status
from kouan.core.exchange.handling import report_undelivered
from kouan.core.exchange.models import OutboxMessage

HOUR = timedelta(hours=1)


def lists(heard):
    """The status lists among what was heard, verified with the key that was announced."""
    return [
        status.read(said["token"], keys.current().jwk) for type_, said in heard if type_ == "evidence.status"
    ]


def test_each_member_is_told_of_the_issuer_and_a_list_ahead(gd):
    announcing.announce()
    (first, issuer), (second, _token) = heard = gd.hear()
    assert (first, second) == ("evidence.issuer", "evidence.status")
    assert issuer["issuer"] == "http://127.0.0.1:18100"
    assert {each["code"] for each in issuer["types"]} >= {"hk.identity", "hk.property", "hk.vehicle"}
    (key,) = issuer["keys"]
    jwk = {"kty": "EC", "crv": "P-256", "x": key["x"], "y": key["y"]}
    assert ECKey.import_key(jwk).thumbprint() == key["kid"]
    (told,) = lists(heard)
    assert told.uri == f"http://127.0.0.1:18100/evidence/status/{StatusList.objects.get().pk}"
    announcing.announce()
    assert gd.hear() == []


def test_again_in_time_and_when_a_key_is_new(gd):
    announcing.announce()
    gd.hear()
    now = timezone.now()
    announcing.announce(now=now + 5 * HOUR)
    assert gd.hear() == []
    announcing.announce(now=now + 7 * HOUR)
    assert [type_ for type_, _ in gd.hear()] == ["evidence.status"]
    announcing.announce(now=now + 25 * HOUR)
    assert sorted(type_ for type_, _ in gd.hear()) == ["evidence.issuer", "evidence.status"]
    announcing.announce(now=now + keys.LIFE - timedelta(days=2))
    issuer = next(said for type_, said in gd.hear() if type_ == "evidence.issuer")
    assert len(issuer["keys"]) == 2  # two days before the new one signs


def test_a_revocation_is_told_at_once(gd, shown, put):
    announcing.announce()
    row = put()
    presented = shown(record=row)
    gd.hear()
    records.change(record=row, change=Change.REVOKED, by="x", departments=None)
    announcing.announce()
    (told,) = lists(gd.hear())
    said = signing.payload_of(reading.split(presented.text).token)["status"]["status_list"]
    assert said["uri"] == told.uri
    assert told.at(said["idx"]) == status.INVALID
    assert sum(each.bit_count() for each in told.data) == 1


def test_a_list_of_which_nobody_has_heard_goes_before_what_is_in_it(gd, shown):
    shown()  # nothing was announced yet
    assert [type_ for type_, _ in gd.hear()] == ["evidence.status"]


def test_what_was_refused_is_told_again_soon(gd):
    announcing.announce()
    gd.hear("refused", "refused")
    announcing.issuer_not_told(side="gd")
    announcing.status_not_told(side="gd")
    announcing.announce()
    assert gd.hear() == []
    announcing.announce(now=timezone.now() + timedelta(minutes=2))
    assert sorted(type_ for type_, _ in gd.hear()) == ["evidence.issuer", "evidence.status"]


def test_members_are_told_which_kinds_of_data_claims_are(gd):
    announcing.announce()
    issuer = next(said for type_, said in gd.hear() if type_ == "evidence.issuer")
    identity = next(each for each in issuer["types"] if each["code"] == "hk.identity")
    assert {claim["name"]: claim["element"] for claim in identity["claims"]}["name"] == "person.name"


def issuers(heard):
    """Whether each announcement that was heard names kinds of data."""
    said = [payload for type_, payload in heard if type_ == "evidence.issuer"]
    return ["element" in each["types"][0]["claims"][0] for each in said]


def test_a_node_that_knows_no_kinds_of_data_is_told_without_them_until_it_names_them_itself(gd):
    announcing.announce()
    assert issuers(gd.hear("undeclared-crossing", None)) == [True]
    report_undelivered()
    assert OutboxMessage.objects.get(type="evidence.issuer").dismissed  # nobody need look at it
    announcing.announce()
    assert issuers(gd.hear()) == [False]
    assert gd.announce_1() == ("handled", "")
    announcing.announce()
    announcing.announce(now=timezone.now() + 25 * HOUR)
    assert issuers(gd.hear()) == [False]
    assert gd.announce() == ("handled", "")
    announcing.announce()
    assert issuers(gd.hear()) == [True]
    assert gd.announce() == ("handled", "")
    announcing.announce()
    assert issuers(gd.hear()) == []


def test_without_an_agreement_nothing_is_sent(gd, settings, tmp_path, caplog):
    from dataclasses import replace  # noqa: PLC0415 - for this alone

    empty = tmp_path / "none"
    empty.mkdir()
    settings.NODE = replace(settings.NODE, agreements=empty)
    for _ in range(3):
        announcing.announce()
    assert gd.hear() == []
    assert [each.version for each in StatusTold.objects.all()] == [0]
    assert bytes(Announced.objects.get().digest) == b""
    assert sum("is not told" in each.getMessage() for each in caplog.records) <= 2 * 3


def test_a_list_whose_credentials_have_all_ended_is_told_no_more(gd, shown):
    announcing.announce()
    shown()
    gd.hear()
    StatusList.objects.update(next=status.SIZE)
    later = timezone.now() + timedelta(days=40)
    announcing.announce(now=later)
    told = lists(gd.hear())
    assert told == []


def test_a_lists_token_is_signed_anew_when_it_must_be(node):
    row = statuses.opened("gd")
    now = timezone.now()
    first = statuses.token_of(row, now=now)
    assert statuses.token_of(row, now=now + HOUR) == first
    assert statuses.token_of(StatusList.objects.get(), now=now + HOUR) == first
    assert statuses.token_of(row, now=now + 7 * HOUR) != first
    row.version += 1
    assert statuses.token_of(row, now=now + HOUR) != first


# What others tell


def test_what_a_node_tells_without_kinds_of_data_is_kept_too(gd):
    assert gd.announce_1() == ("handled", "")
    assert gd.announce_1() == ("handled", "")
    assert gd.announce(version=1)[0] == "refused"  # what a version does not declare is not in it
    (type_,) = PeerIssuer.objects.get(side="gd").types
    assert "element" not in type_["claims"][0]


def test_the_other_sides_issuer_is_kept(gd):
    assert gd.announce() == ("handled", "")
    row = PeerIssuer.objects.get(side="gd")
    assert (row.issuer, row.keys[0]["jwk"]["kid"]) == (ISSUER, gd.kid)
    assert gd.announce(serial=1) == ("handled", "")
    assert PeerIssuer.objects.get().serial == row.serial


def test_a_key_stays_known_once_it_was_announced(gd):
    gd.announce()
    new = ECKey.generate_key("P-256")
    public = new.as_dict(private=False)
    now = int(time.time())
    told = {"kid": new.thumbprint(), "x": public["x"], "y": public["y"], "since": now, "until": now + DAY}
    assert gd.announce(keys=[told]) == ("handled", "")
    assert {each["jwk"]["kid"] for each in PeerIssuer.objects.get().keys} == {gd.kid, new.thumbprint()}


@pytest.mark.parametrize("what", ["own-address", "another-key", "no-point", "other-types", "twice"])
def test_an_announcement_that_cannot_be(gd, what):
    said = gd.announcement()
    if what == "own-address":
        said["issuer"] = "http://127.0.0.1:18100"
    elif what == "another-key":
        said["keys"][0]["kid"] = "A" * 43
    elif what == "no-point":
        said["keys"][0]["x"] = "A" * 43
    elif what == "other-types":
        said["types"][0]["code"] = "hk.identity"
    else:
        said["types"] *= 2
    assert gd.post("evidence.issuer", said, version=2) == ("refused", "unknown-evidence-announcement")
    assert not PeerIssuer.objects.exists()


def test_a_list_is_the_senders_own(gd):
    refused = ("refused", "unknown-evidence-announcement")
    assert gd.tell_status() == refused  # its issuer is not known yet
    gd.announce()
    assert gd.tell_status(key=ECKey.generate_key("P-256")) == refused
    assert gd.tell_status(uri="http://127.0.0.1:18100/evidence/status/1") == refused
    assert gd.tell_status(at=int(time.time()) - 200 * DAY) == refused
    assert gd.post("evidence.status", {"token": "nothing"}) == refused
    assert not PeerStatusList.objects.exists()
    assert gd.tell_status() == ("handled", "")
    assert PeerStatusList.objects.get().side == "gd"


REFUSED = ("refused", "unknown-evidence-announcement")


def test_a_list_of_a_time_to_come_never_settles_what_counts(gd):
    gd.announce()
    assert gd.tell_status(at=int(time.time()) + 10 * DAY) == REFUSED
    assert gd.tell_status(at=int(time.time()) + 30) == ("handled", "")


def test_a_list_never_counts_for_longer_than_a_month(gd):
    gd.announce()
    now = int(time.time())
    for ttl, answer in ((30 * DAY + 1, REFUSED), ((1 << 37) - 1, REFUSED), (30 * DAY, ("handled", ""))):
        token = status.written(
            gd.bits, uri=f"{ISSUER}/evidence/status/1", key=gd.key, kid=gd.kid, at=now, ttl=ttl,
            expires=now + 40 * DAY,
        )  # fmt: skip
        assert gd.post("evidence.status", {"token": token}) == answer


def test_a_side_has_so_many_lists_and_no_more(gd, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_LISTS", 2)
    gd.announce()
    assert [gd.tell_status(number=each) for each in (1, 2, 3)] == [("handled", "")] * 2 + [REFUSED]
    assert gd.tell_status(number=2) == ("handled", "")
    assert PeerStatusList.objects.count() == 2


def test_a_side_has_so_many_keys_and_no_more(gd, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_KEYS", 2)

    def another():
        new = ECKey.generate_key("P-256")
        public, now = new.as_dict(private=False), int(time.time())
        told = {"kid": new.thumbprint(), "x": public["x"], "y": public["y"], "since": now, "until": now + DAY}
        return gd.announce(keys=[told])

    assert gd.announce() == ("handled", "")
    assert [another(), another()] == [("handled", ""), REFUSED]
    assert gd.announce() == ("handled", "")
    assert len(PeerIssuer.objects.get().keys) == 2
