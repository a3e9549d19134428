"""SM2 signatures with SM3 (GB/T 32918.2 and 32918.5, GB/T 32905; GM/T 0003 and 0004), by OpenSSL.

A key is a handle of libcrypto's; it signs and verifies from any thread, and is freed with the object that
holds it. Whatever bytes come from outside end in ``ValueError`` (no key) or ``InvalidSignature``, as with
the keys of ``cryptography``. Signatures are DER (SEQUENCE of r and s, GM/T 0009), as X.509 and CMS carry
them; ``raw_of`` and ``der_of`` turn them into the 64 bytes that COSE carries, and back.
"""

from __future__ import annotations

import base64
import re
import weakref
from ctypes import addressof, byref, c_char_p, c_size_t, c_void_p, cast, create_string_buffer, string_at
from typing import TYPE_CHECKING, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from kouan.core.trust.libcrypto import load

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_IDENTITY: Final = b"1234567812345678"
"""The signer's distinguishing identifier where nothing else is agreed (GM/T 0009 section 10)."""
SIGNATURE_BYTES: Final = 64
"""r and s, 32 bytes each."""
MAX_DER_SIGNATURE: Final = 72
SPKI_HEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
"""How the SubjectPublicKeyInfo of every SM2 key begins whose point is not compressed."""
MAX_KEY: Final = 4096
"""Bytes of a key's DER, at most."""
_HALF: Final = SIGNATURE_BYTES // 2
_MAX_IDENTITY: Final = 8190
"""ENTL counts the identity's bits in two bytes (GB/T 32918.2 section 5.5); OpenSSL stops one byte before."""
_PEM: Final = re.compile(rb"-----BEGIN (?:EC )?PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END")


class _Key:
    """A handle of libcrypto's that is an SM2 key."""

    __slots__ = ("__weakref__", "_handle")

    def __init__(self, handle: int) -> None:
        """Take over a handle; raises ``ValueError`` if it is none, or no SM2 key. It is freed either way."""
        call = load().call
        if not handle:
            call.ERR_clear_error()
            raise ValueError("not a key")
        weakref.finalize(self, call.EVP_PKEY_free, handle).atexit = False
        if call.EVP_PKEY_is_a(handle, b"SM2") != 1:
            raise ValueError("not an SM2 key")
        self._handle = handle

    def __reduce__(self) -> str:
        raise TypeError("a key's handle stays in its process")


class PublicKey(_Key):
    """An SM2 key that verifies."""

    __slots__ = ()

    @classmethod
    def from_spki(cls, der: bytes) -> Self:
        """Read a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7); raises ``ValueError`` for anything else.

        The point must be on the curve. A point may be compressed, as some certificates have it.
        """
        key = cls(_parsed("d2i_PUBKEY", der))
        with _Context(key._handle) as context:
            if context.call.EVP_PKEY_public_check_quick(context.pkey) != 1:
                raise ValueError("not a point of the curve")
        return key

    @property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo in DER, with an uncompressed point: one encoding for one key."""
        return _written("i2d_PUBKEY", self._handle)

    def verify(self, signature: bytes, data: bytes, *, identity: bytes = DEFAULT_IDENTITY) -> None:
        """Check a DER signature over ``data``; raises ``InvalidSignature``."""
        if len(signature) > MAX_DER_SIGNATURE:
            raise InvalidSignature
        with _Context(self._handle, identity) as context:
            call, md = context.call, context.md
            ready = call.EVP_DigestVerifyInit(md, None, context.sm3, None, self._handle) == 1
            if not ready or call.EVP_DigestVerify(md, signature, len(signature), data, len(data)) != 1:
                raise InvalidSignature

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and other.spki == self.spki

    def __hash__(self) -> int:
        return hash(self.spki)


class PrivateKey(_Key):
    """An SM2 key that signs."""

    __slots__ = ()

    @classmethod
    def generate(cls) -> Self:
        """Return a fresh key; raises ``Sm2Unavailable``."""
        call = load().call
        context = call.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        handle = c_void_p()
        try:
            made = call.EVP_PKEY_keygen_init(context) == 1
            if not made or call.EVP_PKEY_generate(context, byref(handle)) != 1:
                raise ValueError("no key could be made")
        finally:
            call.EVP_PKEY_CTX_free(context)
            call.ERR_clear_error()
        return cls(handle.value or 0)

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read a PKCS#8 or RFC 5915 private key; raises ``ValueError``, also when its halves disagree."""
        key = cls(_parsed("d2i_AutoPrivateKey", der))
        with _Context(key._handle) as context:
            if context.call.EVP_PKEY_pairwise_check(context.pkey) != 1:
                raise ValueError("the private and the public half are not of one pair")
        return key

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read an unencrypted PEM private key; raises ``ValueError``."""
        found = _PEM.search(pem)
        if found is None:
            raise ValueError("no private key in PEM")
        return cls.from_der(base64.b64decode(found[1]))

    @property
    def pkcs8(self) -> bytes:
        """The key as PKCS#8 DER (RFC 5958), unencrypted."""
        call = load().call
        info = call.EVP_PKEY2PKCS8(self._handle)
        try:
            return _written("i2d_PKCS8_PRIV_KEY_INFO", info)
        finally:
            call.PKCS8_PRIV_KEY_INFO_free(info)

    @property
    def pem(self) -> bytes:
        """The key as PKCS#8 PEM (RFC 7468), unencrypted."""
        text = base64.b64encode(self.pkcs8)
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        return b"\n".join([b"-----BEGIN PRIVATE KEY-----", *lines, b"-----END PRIVATE KEY-----", b""])

    def public_key(self) -> PublicKey:
        """Return the public half."""
        return PublicKey.from_spki(_written("i2d_PUBKEY", self._handle))

    def sign(self, data: bytes, *, identity: bytes = DEFAULT_IDENTITY) -> bytes:
        """Return the DER signature over ``data``."""
        with _Context(self._handle, identity) as context:
            call, md = context.call, context.md
            buffer = create_string_buffer(MAX_DER_SIGNATURE)
            length = c_size_t(len(buffer))
            ready = call.EVP_DigestSignInit(md, None, context.sm3, None, self._handle) == 1
            if not ready or call.EVP_DigestSign(md, buffer, byref(length), data, len(data)) != 1:
                raise ValueError("the key did not sign")
            return buffer.raw[: length.value]


class _Context:
    """One use of a key: contexts of OpenSSL's, freed at its end, and a clean error queue after it."""

    __slots__ = ("call", "md", "pkey", "sm3")

    def __init__(self, key: int, identity: bytes | None = None) -> None:
        library = load()
        self.call, self.sm3 = library.call, library.sm3
        self.pkey = self.call.EVP_PKEY_CTX_new_from_pkey(None, key, None)
        self.md = self.call.EVP_MD_CTX_new()
        if identity is not None:
            if len(identity) > _MAX_IDENTITY:
                self.__exit__()
                raise ValueError("an identity has at most 8190 bytes")
            # What OpenSSL refuses here, the initialisation that follows refuses as well.
            self.call.EVP_PKEY_CTX_set1_id(self.pkey, identity, len(identity))
            self.call.EVP_MD_CTX_set_pkey_ctx(self.md, self.pkey)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call.EVP_MD_CTX_free(self.md)
        self.call.EVP_PKEY_CTX_free(self.pkey)
        self.call.ERR_clear_error()


def raw_of(der: bytes) -> bytes:
    """Return a DER signature as r and s, 32 bytes each; raises ``ValueError``."""
    r, s = decode_dss_signature(der)
    try:
        return r.to_bytes(_HALF) + s.to_bytes(_HALF)
    except OverflowError:
        raise ValueError("r or s is out of range") from None


def der_of(raw: bytes) -> bytes:
    """Return r and s, 32 bytes each, as a DER signature; raises ``ValueError``."""
    if len(raw) != SIGNATURE_BYTES:
        raise ValueError("r and s are 64 bytes")
    return encode_dss_signature(int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))


def _parsed(function: str, der: bytes) -> int:
    """Return the handle that a d2i function makes of exactly these bytes; raises ``ValueError``."""
    if len(der) > MAX_KEY:
        raise ValueError("longer than any key")
    call = load().call
    place = cast(c_char_p(der), c_void_p)
    begin = place.value or 0
    parse: Callable[..., int | None] = getattr(call, function)
    handle = parse(None, byref(place), len(der)) or 0
    call.ERR_clear_error()
    if handle and (place.value or 0) - begin != len(der):
        call.EVP_PKEY_free(handle)
        raise ValueError("bytes after the key")
    return handle


def _written(function: str, handle: int) -> bytes:
    """Return what an i2d function writes."""
    call = load().call
    write: Callable[..., int] = getattr(call, function)
    length = write(handle, None)
    if length <= 0:
        call.ERR_clear_error()
        raise ValueError("the key cannot be written")
    buffer = create_string_buffer(length)
    write(handle, byref(c_void_p(addressof(buffer))))
    return string_at(buffer, length)
