"""Guangdong's node as the tests play it: it issues with keys of its own, and reads what it is sent."""

from __future__ import annotations

import json
import time
import uuid

from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from kouan.apps.evidence.sdjwt import making, status
from kouan.core.exchange import inbox
from kouan.core.exchange.handling import handle_waiting
from kouan.core.exchange.models import InboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch

ISSUER = "http://127.0.0.1:18200"
DAY = 86400
_ANY = JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)


def names(text):
    return {"en": text, "zh_hant": f"{text}（繁）", "zh_hans": f"{text}（简）"}


def compact(header, payload, key):
    """A token with whatever header."""
    return jws.serialize_compact(header, json.dumps(payload).encode(), key, registry=_ANY)


class Guangdong:
    def __init__(self, peer):
        self.peer = peer
        self.key = ECKey.generate_key("P-256")
        self.kid = self.key.thumbprint()
        self.holder = ECKey.generate_key("P-256")
        self.serial = int(time.time())
        self.bits = status.empty()

    # Saying something

    def post(self, type_, payload, *, version=1):
        """Have one message arrive and be handled; return its state and code."""
        draft = self.peer.say(
            payload,
            type_=type_,
            tv=version,
            basis=[self.peer.agreement.id, self.peer.agreement.digest, "7.1"],
        )
        posted = self.peer.batch(draft)
        receipt = self.peer.read_receipt(inbox.accept(posted.wire), posted)
        self.peer.advance(posted)
        handle_waiting()
        row = InboxMessage.objects.filter(message_id=uuid.UUID(bytes=draft.header["id"])).first()
        (code,) = receipt["status"]
        return ("refused", code) if row is None or code else (row.state, row.code)

    def announcement(self, **changes):
        public = self.key.as_dict(private=False)
        self.serial += 1
        return {
            "issuer": ISSUER,
            "serial": self.serial,
            "keys": [
                {
                    "kid": self.kid, "x": public["x"], "y": public["y"],
                    "since": int(time.time()) - 100 * DAY, "until": int(time.time()) + 100 * DAY,
                }
            ],
            "types": [
                {
                    "code": "gd.identity", "vct": f"{ISSUER}/evidence/types/gd.identity",
                    "title": names("Resident identity"), "department": "public-security",
                    "department_name": names("Public Security"), "requirements": ["identity"],
                    "claims": [{"name": "name", "title": names("Name"), "element": "person.name"}],
                    "level": 2,
                }
            ],
        } | changes  # fmt: skip

    def announce(self, *, version=2, **changes):
        return self.post("evidence.issuer", self.announcement(**changes), version=version)

    def announce_1(self):
        """Announce as a node does that knows nothing of the kinds of data of claims."""
        (type_,) = self.announcement()["types"]
        claims = [{name: claim[name] for name in ("name", "title")} for claim in type_["claims"]]
        return self.announce(version=1, types=[type_ | {"claims": claims}])

    def status_token(self, *, number=1, at=None, key=None, uri=None):
        at = int(time.time()) if at is None else at
        return status.written(
            self.bits, uri=uri or f"{ISSUER}/evidence/status/{number}", key=key or self.key, kid=self.kid,
            at=at, ttl=43200, expires=at + 2 * DAY,
        )  # fmt: skip

    def tell_status(self, **how):
        return self.post("evidence.status", {"token": self.status_token(**how)})

    def credential(self, *, index=5, hidden=None, key=None, **changes):
        """A credential of ours; ``None`` takes a claim out."""
        now = int(time.time())
        public = self.holder.as_dict(private=False)
        payload = {
            "iss": ISSUER, "vct": f"{ISSUER}/evidence/types/gd.identity", "iat": now - 10,
            "exp": now + DAY, "cnf": {"jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}},
            "status": {"status_list": {"idx": index, "uri": f"{ISSUER}/evidence/status/1"}},
            "issuing_authority": {"id": "public-security", "name": {
                "en": "Public Security", "zh-hant": "公安", "zh-hans": "公安"}},
        } | changes  # fmt: skip
        payload = {name: value for name, value in payload.items() if value is not None}
        return making.make(
            payload=payload, hidden=hidden or {"name": "WANG Xiaofang", "sex": "Female"},
            key=key or self.key, kid=self.kid,
        )  # fmt: skip

    def present(  # noqa: PLR0913 - each part can be wrong alone
        self, made=None, *, show=("name",), key=None, matter="matter-1", to="hk", at=None
    ):
        made = made or self.credential()
        return making.bind(
            made.showing(show), key=key or self.holder, audience=f"urn:kouan:side:{to}", nonce=matter,
            at=int(time.time()) if at is None else at, acr="urn:gba:loa:3",
        )  # fmt: skip

    # Hearing

    def hear(self, *statuses):
        """Take all that waits for us, receipt it and return each message's type and payload."""
        heard = []
        while (sealed := seal_batch("gd")) is not None:
            opened = self.peer.open(sealed.wire)
            heard += [
                (header["type"], payload)
                for header, payload in zip(opened.headers, opened.payloads, strict=True)
            ]
            take_receipt(sealed, self.peer.receipt(opened, *(statuses[: len(opened.headers)])))
        return heard
