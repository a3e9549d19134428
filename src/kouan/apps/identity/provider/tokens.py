"""The token endpoint: a code is redeemed once, for an ID token and an access token that last five minutes.

FAPI 2.0 Security Profile section 5.3.2: the code is bound to its client, to PKCE's verifier and, where one
was announced, to a key; it is spent by deleting its row, which only one of many requests can do. A code that
is shown a second time is in two hands: what it was redeemed for is revoked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.identity import keys, linking
from kouan.apps.identity.domain import CLAIMS, TOKEN_LIFE
from kouan.apps.identity.models import AccessToken, AuthorizationCode, SignIn, SigningKey
from kouan.apps.identity.nodes import record
from kouan.apps.identity.provider import limits, proofs, telling
from kouan.apps.identity.provider.asked import Answer, Asked, answering, as_json
from kouan.apps.identity.provider.authentication import authenticate
from kouan.apps.identity.provider.errors import InvalidGrant, InvalidProof, UnsupportedGrantType
from kouan.apps.identity.provider.parameters import read_form, required
from kouan.apps.identity.provider.spending import having_spent
from kouan.core.database.rows import execute, fetch_joined, insert_many

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.identity.provider.clients import Client

log = logging.getLogger(__name__)

VERIFIER: Final = re.compile("[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 section 4.1."""
_NEEDED: Final = ((AuthorizationCode, "c", ()), (SignIn, "s", ()))
_OF_CODE: Final = (
    f"FROM {AuthorizationCode._meta.db_table} c "
    f"JOIN {SignIn._meta.db_table} s ON s.id = c.sign_in_id WHERE c.digest = %s"
)
_DELETE: Final = f"DELETE FROM {AuthorizationCode._meta.db_table} WHERE id = %s"  # noqa: S608 - the table's own name


@answering
def token(asked: Asked) -> Answer:
    """Redeem a code."""
    if asked.peer is None:
        limits.take_address(asked.address)
    form = read_form(asked.body, asked.headers)
    authenticated = authenticate(asked, form)
    proof = proofs.shown(asked)
    if required(form, "grant_type") != "authorization_code":
        raise UnsupportedGrantType
    client = authenticated.client
    if client.proves and proof is None:
        raise InvalidProof(reason="missing")
    jkt = proof.jkt if proof is not None else ""
    told = having_spent(authenticated, proof, do=lambda: _redeemed(client, form, jkt))
    if told is None:
        raise InvalidGrant
    return as_json(told)


def _redeemed(client: Client, form: Mapping[str, str], jkt: str) -> dict[str, Any] | None:
    """Return the tokens for a code; nothing if it is no code any more, and then its tokens are revoked."""
    digest = hashlib.sha256(required(form, "code").encode()).digest()
    verifier = required(form, "code_verifier", VERIFIER)
    # The sign-in is held before the code is taken, as who ends a sign-in does: the second of both sees what
    # the first did.
    found = fetch_joined(_NEEDED, _OF_CODE, (digest,), lock="s")
    if not found:
        _revoke(digest)
        return None
    (row, row.sign_in), now = found[0], timezone.now()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if (
        row.sign_in.client != client.id
        or row.expires_at <= now
        or row.sign_in.ended_at is not None
        or row.redirect_uri != form.get("redirect_uri")
        or not hmac.compare_digest(challenge, row.challenge)
    ):
        raise InvalidGrant
    if row.dpop_jkt and row.dpop_jkt != jkt:
        raise InvalidProof(reason="another-key")
    # Whatever a peer's node cannot be given takes all of it back.
    with transaction.atomic() if client.peer is not None else nullcontext():
        if not execute(_DELETE, (row.pk,)):  # another request was faster
            _revoke(digest)
            return None
        return _tokens(row, client, jkt, now)


def _tokens(row: AuthorizationCode, client: Client, jkt: str, now: datetime) -> dict[str, Any]:
    sign_in, key = row.sign_in, keys.current(SigningKey.Use.TOKEN, now=now)
    access_token = secrets.token_urlsafe(32)
    kept = {
        "digest": hashlib.sha256(access_token.encode()).digest(),
        "code": bytes(row.digest),
        "sign_in_id": sign_in.pk,
        "jkt": jkt,
        "expires_at": now + TOKEN_LIFE,
    }
    insert_many(AccessToken, tuple(kept), [tuple(kept.values())])
    link = ""
    if client.peer is not None and sign_in.resident is not None:
        link = linking.active_link(resident=sign_in.resident, peer=client.peer)
    id_token = telling.id_token(sign_in, key, nonce=row.nonce, access_token=access_token, now=now, link=link)
    if client.peer is not None:
        _put_on_record(sign_in, id_token, key, now)
    return {
        "access_token": access_token,
        "token_type": "DPoP" if jkt else "Bearer",
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "scope": " ".join(dict.fromkeys(["openid", *(CLAIMS[name].scope for name in sign_in.claims)])),
        "id_token": id_token,
    }


def _put_on_record(sign_in: SignIn, id_token: str, key: keys.Key, now: datetime) -> None:
    """Sign what a peer's node is told, keep it until it has expired, and have both digests cross."""
    told = telling.unsealed(sign_in.key, bytes(sign_in.told or b""))
    said = telling.claims_of(sign_in.subject, sign_in.level, told)
    userinfo = telling.signed_userinfo(said, audience=sign_in.client, key=key, now=now)
    sign_in.told = telling.sealed(sign_in.key, told["claims"], told["verified"], userinfo)
    sign_in.save(update_fields=["told"])
    record.signed_in(sign_in, id_token=id_token, userinfo=userinfo)


def _revoke(code: bytes) -> None:
    if AccessToken.objects.filter(code=code).delete()[0]:
        log.warning("a code was shown a second time: what it had been redeemed for is revoked")
