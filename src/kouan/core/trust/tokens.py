"""Keys in a hardware token or module, through PKCS#11 (OASIS PKCS #11 v3.0): they sign there and never leave.

What a token must offer: ``CKM_ECDSA`` over P-256 for ES256 (anchor, sign), ``CKM_EDDSA`` over Ed25519
(log, witness, and sign in suite 2). A key's CKA_ID is the key id that the trust document lists.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kouan.core.trust.errors import TokenUnusable
from kouan.core.trust.keys import KeyUse, PublicKey, kid_of, spki_of
from kouan.core.trust.suites import EDDSA, ES256, KeyKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.sections import TokenSettings

USES: Final = (KeyUse.ANCHOR, KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS)
"""The uses whose keys can be in a token: those that only sign, and not in a TLS handshake."""
_EDWARDS25519: Final = b"\x13\x0cedwards25519"
"""The curve's name as CKA_EC_PARAMS (PKCS #11 v3.0 section 2.3.5): a DER PrintableString."""
_POINT_BYTES: Final = 65
_ED25519_BYTES: Final = 32


class Token:
    """One token; a process opens one session with it, when it first signs."""

    def __init__(self, settings: TokenSettings, pin: str) -> None:
        self.label = settings.label
        self.uses = frozenset(KeyUse(use) for use in settings.uses)
        self._module = str(settings.module)
        self._pin = pin
        self._lock = threading.Lock()
        self._opened: tuple[int, Any] | None = None
        self._keys: dict[bytes, Any] = {}

    def __repr__(self) -> str:
        return f"Token({self.label!r})"

    def __reduce__(self) -> str:
        raise TypeError("a token stays in its process")

    def generate(self, kind: KeyKind) -> PublicKey:
        """Make a key pair in the token and return its public half; raises ``TokenUnusable``."""
        pkcs11 = _library()
        from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415 - the package is an extra

        if kind == "P-256":
            type_, parameters = pkcs11.KeyType.EC, encode_named_curve_parameters("secp256r1")
            mechanism, generator = pkcs11.Mechanism.ECDSA, pkcs11.Mechanism.EC_KEY_PAIR_GEN
        elif kind == "Ed25519":
            type_, parameters = pkcs11.KeyType.EC_EDWARDS, _EDWARDS25519
            mechanism, generator = pkcs11.Mechanism.EDDSA, pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN
        else:
            raise TokenUnusable(label=self.label, detail=f"{kind} keys are kept in files")
        with self._lock:
            session = self._session()
            offered = session.token.slot.get_mechanisms()
            if mechanism not in offered or generator not in offered:
                raise TokenUnusable(
                    label=self.label,
                    detail=f"it does not offer {kind}; leave the uses that need it out of token.uses",
                )
            try:
                domain = session.create_domain_parameters(
                    type_, {pkcs11.Attribute.EC_PARAMS: parameters}, local=True
                )
                public, private = domain.generate_keypair(
                    store=True, id=secrets.token_bytes(16), label=f"kouan {kind}", mechanism=generator
                )
                key = _public(kind, bytes(public[pkcs11.Attribute.EC_POINT]))
                kid = kid_of(spki_of(key))
                for half in (public, private):
                    half[pkcs11.Attribute.ID] = kid
            except pkcs11.exceptions.PKCS11Error as error:
                raise self._failed(error) from None
        return key

    def signer(self, public: PublicKey) -> TokenSigner:
        """Return what signs with the key of this public half; it is looked for when it first signs."""
        return TokenSigner(self, public)

    def destroy(self, kid: bytes) -> None:
        """Delete a key from the token; one that is not there is no error."""
        pkcs11 = _library()
        with self._lock:
            try:
                for each in list(self._session().get_objects({pkcs11.Attribute.ID: kid})):
                    each.destroy()
            except pkcs11.exceptions.PKCS11Error as error:
                raise self._failed(error) from None
            self._keys.pop(kid, None)

    def sign(self, kid: bytes, data: bytes, *, ed25519_key: bool) -> bytes:
        """Return the 64-byte signature by a key of the token; raises ``TokenUnusable``."""
        pkcs11 = _library()
        mechanism = pkcs11.Mechanism.EDDSA if ed25519_key else pkcs11.Mechanism.ECDSA
        what = data if ed25519_key else hashlib.sha256(data).digest()
        with self._lock:
            try:
                session = self._session()
                if kid not in self._keys:
                    self._keys[kid] = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=kid)
                return bytes(self._keys[kid].sign(what, mechanism=mechanism))
            except pkcs11.exceptions.PKCS11Error as error:
                self._leave(error)
                raise self._failed(error) from None

    def sign_document(self, label: str, data: bytes) -> bytes:
        """Return the signature by the key with this label, over SHA-256 of ``data``, as X.509 has it.

        RSA (PKCS #1 v1.5) or ECDSA over P-256, whichever the key is for. Raises ``TokenUnusable``.
        """
        pkcs11 = _library()
        with self._lock:
            try:
                key = self._session().get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
                if key.key_type == pkcs11.KeyType.RSA:
                    return bytes(key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
                raw = bytes(key.sign(hashlib.sha256(data).digest(), mechanism=pkcs11.Mechanism.ECDSA))
            except pkcs11.exceptions.PKCS11Error as error:
                self._leave(error)
                raise self._failed(error) from None
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    def _session(self) -> Any:
        """Return this process's session: PKCS#11 sessions do not survive a fork."""
        if self._opened is not None and self._opened[0] == os.getpid():
            return self._opened[1]
        pkcs11 = _library()
        self._keys.clear()
        try:
            library = pkcs11.lib(self._module)
        except (pkcs11.exceptions.PKCS11Error, OSError, RuntimeError):
            raise TokenUnusable(label=self.label, detail=f"{self._module} cannot be loaded") from None
        try:
            token = library.get_token(token_label=self.label)
            try:
                session = token.open(rw=True, user_pin=self._pin)
            except pkcs11.exceptions.UserAlreadyLoggedIn:
                session = token.open(rw=True)  # a process logs in once; its sessions share that
        except pkcs11.exceptions.PKCS11Error as error:
            raise self._failed(error) from None
        self._opened = (os.getpid(), session)
        return session

    def _leave(self, error: Exception) -> None:
        """Have a module that was unplugged or started anew opened anew at the next try.

        A token has few sessions: what is asked for in vain costs none. That which logged in is never closed,
        since closing it would log out all that this process has.
        """
        pkcs11 = _library()
        wrong = pkcs11.exceptions
        if isinstance(error, wrong.NoSuchKey | wrong.MultipleObjectsReturned | wrong.KeyTypeInconsistent):
            return
        opened, self._opened = self._opened, None
        self._keys.clear()
        if opened is not None and opened[1].user_type == pkcs11.constants.UserType.NOBODY:
            with contextlib.suppress(wrong.PKCS11Error):
                opened[1].close()

    def _failed(self, error: Exception) -> TokenUnusable:
        # The library's texts name mechanisms and flags, never the PIN; its class says enough.
        return TokenUnusable(label=self.label, detail=type(error).__name__)


class TokenSigner:
    """A ``Signer`` whose private key is in a token."""

    __slots__ = ("_public", "_token", "cose_alg", "kid")

    def __init__(self, token: Token, public: PublicKey) -> None:
        self._token = token
        self._public = public
        self.kid: bytes = kid_of(spki_of(public))
        self.cose_alg: int = ES256 if isinstance(public, ec.EllipticCurvePublicKey) else EDDSA

    def public_key(self) -> PublicKey:
        """Return the public half."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """Return the signature in COSE's form; PKCS#11's is the same (r and s, fixed length)."""
        return self._token.sign(self.kid, data, ed25519_key=self.cose_alg == EDDSA)


@cache
def _token(settings: TokenSettings, pin: str) -> Token:
    return Token(settings, pin)


def configured(settings: TokenSettings | None, environment: Mapping[str, str] = os.environ) -> Token | None:
    """Return the token that the settings name, one a process; ``None`` when they name none.

    Raises ``TokenUnusable`` when its PIN is not in the environment.
    """
    if settings is None:
        return None
    pin = environment.get(settings.pin_env, "")
    if not pin:
        raise TokenUnusable(label=settings.label, detail=f"the variable {settings.pin_env} holds no PIN")
    return _token(settings, pin)


def _library() -> Any:
    try:
        import pkcs11  # noqa: PLC0415 - an extra of the package
        import pkcs11.exceptions  # noqa: PLC0415 - as above
    except ImportError:
        raise TokenUnusable(label="", detail="install kouan[pkcs11], which brings python-pkcs11") from None
    return pkcs11


def _public(kind: KeyKind, point: bytes) -> PublicKey:
    """Return the public key of a CKA_EC_POINT: a DER OCTET STRING around the point, or the bare point."""
    length = _POINT_BYTES if kind == "P-256" else _ED25519_BYTES
    raw = point[-length:]
    if kind == "P-256":
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    return ed25519.Ed25519PublicKey.from_public_bytes(raw)
