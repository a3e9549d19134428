from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey

from kouan.apps.identity import keys
from kouan.apps.identity.crossings import ProviderAnnouncement, ProviderKey
from kouan.apps.identity.models import Announcement, PeerProvider, SigningKey
from kouan.apps.identity.nodes import announcing
from kouan.apps.identity.nodes.errors import UnknownAnnouncement
from kouan.core.exchange import crossing, wire
from kouan.core.exchange.models import Incident, OutboxMessage

DAY = timedelta(days=1)


def sent(side="gd"):
    """Return what was announced to a side, the oldest first."""
    declared = crossing.registry.get("identity.provider", 1)
    rows = OutboxMessage.objects.filter(type="identity.provider", peer=side).order_by("pk")
    return [declared.decode_bytes(wire.decode_body(bytes(row.body), max_bytes=1 << 16)) for row in rows]


def announced(serial=10, issuer="http://127.0.0.1:18200", **changes):
    key = ECKey.generate_key("P-256").as_dict(private=False)
    kid = ECKey.import_key(key).thumbprint()
    values = {
        "use": "token",
        "kid": kid,
        "x": key["x"],
        "y": key["y"],
        "since": 1000,
        "until": 2000,
    } | changes
    return ProviderAnnouncement(issuer=issuer, serial=serial, keys=[ProviderKey(**values)])


def test_each_member_is_told_once(node):
    announcing.announce()
    announcing.announce()
    for side in ("gd", "mo"):
        (said,) = sent(side)
        assert said.issuer == node.portal_origin
        assert {key.use for key in said.keys} == {"token", "client", "receipt"}
        for key in said.keys:
            jwk = {"kty": "EC", "crv": "P-256", "x": key.x, "y": key.y}
            assert ECKey.import_key(jwk).thumbprint() == key.kid
    assert not SigningKey.objects.filter(kid__in=[key.kid for key in said.keys], use="dpop").exists()


def test_a_day_later_and_when_a_key_is_new(node):
    announcing.announce()
    now = timezone.now()
    announcing.announce(now=now + DAY / 2)
    assert len(sent()) == 1
    announcing.announce(now=now + DAY + timedelta(minutes=1))
    assert len(sent()) == 2
    keys.renew(now=now + keys.LIFE - DAY)
    announcing.announce(now=now + DAY + timedelta(minutes=2))
    first, _, third = sent()
    assert {key.kid for key in first.keys} < {key.kid for key in third.keys}
    serials = [each.serial for each in sent()]
    assert serials == sorted(set(serials))


def test_receipts_can_be_checked_as_long_as_they_stand(node):
    announcing.announce()
    (old,) = (key for key in sent()[0].keys if key.use == "receipt")
    later = timezone.now() + keys.LIFE * 2
    announcing.announce(now=later)
    told = sent()[-1].keys
    assert old in told
    assert {key.use: key.kid for key in told}["token"] != {key.use: key.kid for key in sent()[0].keys}[
        "token"
    ]


def test_without_an_agreement_nothing_is_sent_and_one_line_says_so(node, settings, tmp_path, caplog):
    empty = tmp_path / "none"
    empty.mkdir()
    settings.NODE = replace(settings.NODE, agreements=empty)
    announcing._silent.clear()
    now = timezone.now()
    with caplog.at_level(logging.WARNING):
        for minutes in range(5):
            announcing.announce(now=now + timedelta(minutes=2 * minutes))
    assert not OutboxMessage.objects.exists()
    assert [record.message.split(" is not told")[0] for record in caplog.records] == ["gd", "mo"]
    settings.NODE = node
    announcing.announce(now=now + timedelta(minutes=20))
    assert len(sent()) == 1


def test_what_was_not_taken_is_said_again(node):
    announcing.announce()
    announcing.not_told(side="gd")
    announcing.announce()
    assert len(sent()) == 1
    announcing.announce(now=timezone.now() + announcing.REFUSED_AGAIN_AFTER + timedelta(seconds=1))
    assert (len(sent()), len(sent("mo"))) == (2, 1)
    assert Announcement.objects.get(side="gd").digest


def test_only_the_latest_is_kept(node, arrived):
    announcing.keep(message=arrived(announced(serial=5)))
    announcing.keep(message=arrived(announced(serial=4, use="client")))
    announcing.keep(message=arrived(announced(serial=5, use="client")))
    row = PeerProvider.objects.get(side="gd")
    assert (row.serial, [key["use"] for key in row.keys]) == (5, ["token"])
    announcing.keep(message=arrived(announced(serial=6, use="client")))
    row.refresh_from_db()
    assert (row.serial, [key["use"] for key in row.keys]) == (6, ["client"])
    assert not Incident.objects.exists()


def test_a_provider_that_moves_is_an_incident(node, arrived):
    announcing.keep(message=arrived(announced(serial=5)))
    announcing.keep(message=arrived(announced(serial=6, issuer="http://127.0.0.1:18299")))
    assert PeerProvider.objects.get(side="gd").issuer == "http://127.0.0.1:18299"
    (incident,) = Incident.objects.all()
    assert (incident.kind, incident.peer) == ("provider-moved", "gd")
    assert b"18299" in bytes(incident.evidence)
    assert b"18200" in bytes(incident.counterpart)


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "k" * 43},
        {"x": "A" * 43},
        {"since": 2000, "until": 2000},
        {"issuer": "http://127.0.0.1:18100"},
    ],
)
def test_an_announcement_that_cannot_be_used(node, arrived, changes):
    with pytest.raises(UnknownAnnouncement):
        announcing.keep(message=arrived(announced(**changes)))
    assert not PeerProvider.objects.exists()


def test_another_sides_address_is_not_taken_over(node, arrived):
    announcing.keep(message=arrived(announced()))
    with pytest.raises(UnknownAnnouncement):
        announcing.keep(message=arrived(announced(), sender="mo"))


def test_plain_http_is_for_demonstrations(node, arrived, settings):
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(UnknownAnnouncement):
        announcing.keep(message=arrived(announced()))
    announcing.keep(message=arrived(announced(issuer="https://identity.example.gov")))
