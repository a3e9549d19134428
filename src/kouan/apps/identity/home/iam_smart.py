"""Hong Kong's iAM Smart, as far as it is public.

Public (iamsmart.gov.hk, "Technical Details", and what services that use it have published): the flow. The
service redirects the browser to a page of iAM Smart (``getQR``) where the person scans a code with the app,
or opens it; the browser comes back with a code, or with an ``error_code``; ``getToken`` exchanges the code
for an access token and ``openID``, a tokenised id that is another for every service. Each request is a POST
of JSON with the headers ``clientID``, ``signatureMethod``, ``timestamp`` (milliseconds), ``nonce`` and
``signature``: HMAC-SHA256 under the client secret over client id, method, timestamp, nonce and body, in
Base64, percent-encoded. Bodies are sealed: ``{"content": …}`` with AES-256-GCM under a content key that
``getKey`` gives, wrapped by the service's RSA key (PKCS #1 v1.5), for ``expiresIn`` milliseconds; what is
sealed stands after the length of its nonce, four bytes, and the nonce, in Base64. The profile's fields are
``idNo``, ``enName``, ``chName``, ``gender``, ``birthDate``.

Assumed, since the interface's own description is only given to services that join: that the profile is
fetched with the token by ``getProfile`` (iAM Smart may instead push it to the service once the person
agrees in the app); that ``userType`` tells iAM Smart from iAM Smart+, in words that ``levels`` of the
settings can name; and that each use of the app is a new authentication at the time ``issueAt``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from kouan.apps.identity.home import claims
from kouan.apps.identity.home.adapter import Adapter, Asked, Begun, HomeSignIn
from kouan.apps.identity.home.errors import HomeAnswerRefused, HomeRefused
from kouan.web.oidc import Provider
from kouan.web.oidc.line import ask, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.sections import HomeSettings

METHOD: Final = "HmacSHA256"
SUCCESS: Final = "D00000"
REFUSED: Final = {"D40000", "D40001", "D40003"}
"""The person cancelled, rejected it in the app, or took too long."""
OTHER_KEY: Final = {"D30001", "D30002", "D30003", "D30004"}
"""The body could not be opened there: the content key is another one by now."""
PROFILE: Final = ("idNo", "enName", "chName", "gender", "birthDate")

_LANGUAGES: Final = {"en": "en-US", "zh-hant": "zh-HK", "zh-hans": "zh-CN"}
_NONCE: Final = 12
_SMALLEST_KEY: Final = 2048
_CLOCK: Final = 300
"""Seconds by which its clock may differ from ours."""
_SEXES: Final = {"M": "male", "F": "female"}


class IamSmart(Adapter):
    """A service of iAM Smart's; ``key_file`` is the RSA key whose public half it knows."""

    def __init__(self, given: HomeSettings) -> None:
        super().__init__(given)
        if not given.secret or given.key_file is None:
            raise ValueError("iAM Smart needs both `home.secret_env` and `home.key_file`.")
        self._key = _rsa(given.key_file.read_bytes())
        self._line = Provider(
            issuer=given.issuer,
            client_id=given.client_id,
            redirect_uri=self.callback,
            client_secret=given.secret,
            ca_file=given.ca_file,
            demonstration=settings.NODE.demonstration,
        )

    def begin(self, asked: Asked) -> Begun:
        """Send the person to the page with the code to scan; each use of the app is a new authentication."""
        state = secrets.token_urlsafe(32)
        query = {
            "clientID": self.settings.client_id,
            "responseType": "code",
            "source": "PC_Browser",
            "redirectURI": self.callback,
            "scope": "eidapi_auth eidapi_profiles",
            "lang": _LANGUAGES.get(asked.language, "en-US"),
            "state": state,
        }
        url = f"{self.settings.issuer.rstrip('/')}/api/v1/auth/getQR?{urlencode(query)}"
        return Begun(url=url, state=state, kept={"state": state})

    def finish(self, kept: Mapping[str, Any], query: str) -> HomeSignIn:
        """Exchange the code, and fetch who it is."""
        fields = _fields(query)
        if not hmac.compare_digest(fields.get("state", "").encode(), str(kept["state"]).encode()):
            raise HomeAnswerRefused(detail="state")
        if "error_code" in fields:
            if fields["error_code"] in REFUSED:
                raise HomeRefused
            raise HomeAnswerRefused(detail="error_code")
        if not fields.get("code"):
            raise HomeAnswerRefused(detail="code")
        token = self._call(
            "/api/v1/auth/getToken", {"code": fields["code"], "grantType": "authorization_code"}
        )
        subject, access, at = token.get("openID"), token.get("accessToken"), token.get("issueAt")
        if not _is_word(subject) or not _is_word(access) or type(at) is not int:
            raise HomeAnswerRefused(detail="getToken")
        if abs(time.time() - at / 1000) > _CLOCK:
            raise HomeAnswerRefused(detail="issueAt")
        profile = self._call(
            "/api/v1/account/auth/getProfile",
            {"accessToken": access, "openID": subject, "profileFields": list(PROFILE)},
        )
        if profile.get("openID") != subject:
            raise HomeAnswerRefused(detail="openID")
        return HomeSignIn(
            subject=str(subject),
            level=self.levels.reached(str(token.get("userType", "")), ("hwk", "user")),
            authenticated_at=datetime.fromtimestamp(at / 1000, UTC),
            amr=("hwk", "user"),
            claims=claims.taken(_profile(profile), {}),
        )

    def _call(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Ask under the content key; with a new one, once, if iAM Smart could not open it under ours."""
        held = _keys.get(self.settings.client_id)
        if held is None or held.ends_at <= time.time():
            held = self._fetch_key()
        answer = self._post(path, {"content": held.seal(value)})
        if answer.get("code") in OTHER_KEY:
            held = self._fetch_key()
            answer = self._post(path, {"content": held.seal(value)})
        if answer.get("code") in REFUSED:
            raise HomeRefused
        if answer.get("code") != SUCCESS:
            raise HomeAnswerRefused(detail=path.rpartition("/")[2])
        return held.opened(answer.get("content"))

    def _fetch_key(self) -> ContentKey:
        answer = self._post("/api/v1/security/getKey", {})
        content = answer.get("content")
        if answer.get("code") != SUCCESS or not isinstance(content, dict):
            raise HomeAnswerRefused(detail="getKey")
        issued, lasts = content.get("issueAt"), content.get("expiresIn")
        try:
            wrapped = base64.b64decode(str(content.get("secretKey")), validate=True)
            key = self._key.decrypt(wrapped, PKCS1v15())
        except (binascii.Error, ValueError):
            raise HomeAnswerRefused(detail="secretKey") from None
        if type(issued) is not int or type(lasts) is not int or len(key) != 32:  # noqa: PLR2004 - AES-256
            raise HomeAnswerRefused(detail="getKey")
        held = ContentKey(key, (issued + lasts) / 1000)
        with _turn:
            _keys[self.settings.client_id] = held
        return held

    def _post(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(value).encode()
        headers = {
            "content-type": "application/json;charset=UTF-8",
            **signed(self.settings.client_id, self.settings.secret, body, at=time.time()),
        }
        url = self.settings.issuer.rstrip("/") + path
        return read_object(self._line, ask(self._line, url, body=body, headers=headers).body, "iAM Smart")


@dataclass(frozen=True, slots=True)
class ContentKey:
    """The key under which bodies are sealed for a while."""

    key: bytes = field(repr=False)
    ends_at: float
    """Seconds since 1970."""

    def seal(self, value: Mapping[str, Any]) -> str:
        """Return JSON as it is sent."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self.key).encrypt(nonce, json.dumps(value).encode(), None)
        return base64.b64encode(_NONCE.to_bytes(4, "big") + nonce + sealed).decode()

    def opened(self, content: object) -> dict[str, Any]:
        """Return what was sealed; raises ``HomeAnswerRefused``."""
        try:
            data = base64.b64decode(str(content), validate=True)
            length, nonce, sealed = data[:4], data[4 : 4 + _NONCE], data[4 + _NONCE :]
            value = json.loads(AESGCM(self.key).decrypt(nonce, sealed, None))
        except (binascii.Error, InvalidTag, ValueError, RecursionError):
            raise HomeAnswerRefused(detail="content") from None
        if not isinstance(value, dict) or length != _NONCE.to_bytes(4, "big"):
            raise HomeAnswerRefused(detail="content")
        return value


def signed(client_id: str, secret: str, body: bytes, *, at: float) -> dict[str, str]:
    """Return the headers that sign a request."""
    timestamp, nonce = str(int(at * 1000)), secrets.token_hex(16)
    message = f"{client_id}{METHOD}{timestamp}{nonce}".encode() + body
    digest = hmac.digest(secret.encode(), message, hashlib.sha256)
    return {
        "clientID": client_id,
        "signatureMethod": METHOD,
        "timestamp": timestamp,
        "nonce": nonce,
        "signature": quote(base64.b64encode(digest).decode(), safe=""),
    }


def _rsa(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SMALLEST_KEY:
        raise ValueError("`home.key_file` must hold a private RSA key of 2048 bits or more, as PEM.")
    return key


def _fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query[:8192], keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise HomeAnswerRefused(detail="query") from None
    if len(dict(pairs)) != len(pairs):
        raise HomeAnswerRefused(detail="query")
    return dict(pairs)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()  # noqa: PLR2004 - as the tables have it


def _profile(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a profile's fields by this app's names; some of them are objects."""
    number = said.get("idNo")
    if isinstance(number, dict):
        number = f"{number.get('Identification', '')}{number.get('CheckDigit', '')}"
    born = said.get("birthDate")
    if isinstance(born, str) and len(born) == 8 and born.isdecimal():  # noqa: PLR2004 - YYYYMMDD
        # Where the day of birth is not known the card has zeros for it.
        born = born[:4] if born.endswith("00") else f"{born[:4]}-{born[4:6]}-{born[6:]}"
    return {
        "name": _inner(said.get("enName"), "UnstructuredName"),
        "name#zh-Hant": _inner(said.get("chName"), "ChineseName"),
        "gender": _SEXES.get(str(said.get("gender")), said.get("gender")),
        "birthdate": born,
        "document_type": "hkid" if number else None,
        "document_number": number,
    }


def _inner(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else value


_turn = threading.Lock()
_keys: dict[str, ContentKey] = {}
