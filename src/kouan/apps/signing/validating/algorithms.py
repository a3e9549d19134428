"""The algorithms that signatures are checked with: those of ``cryptography``, and SM2 with SM3.

One ``Checker`` is kept by a worker process: it remembers which signatures of CAs, CRLs and OCSP responses it
has seen hold, by the digest of everything that went into the check, so that each is computed once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from asn1crypto import cms, core
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_SIGNATURE_VALIDATOR,
    DEFAULT_VALIDATION_CONTEXT,
    SignatureValidationContext,
    SignatureValidator,
)

from kouan.core.trust import sm2, sm2_certificates

if TYPE_CHECKING:
    from datetime import datetime

    from asn1crypto import algos, keys

_SM2: Final = {"sm2_sm3", "sm2"}
_MOST: Final = 20_000
"""Signatures that are remembered; 32 bytes each."""
_WEAK: Final = frozenset({"md2", "md5", "sha1"})

sm2_certificates.register()
# What GM/T 0010 calls data is an octet string where CMS is of its first version (RFC 5652 section 5.1), too.
cms.ContentInfo._oid_specs.setdefault("gm_data", core.OctetString)  # noqa: SLF001 - there is no other way in


class Checker(SignatureValidator):
    """Checks signatures, SM2 among them, and remembers those that hold."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, None] = OrderedDict()
        self.content: bytes | None = None
        """What is signed, where SM2 signs it without attributes: its digest begins with the signer's key."""
        self.computed = 0

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Check a signature; raises ``InvalidSignature``, also where key and algorithm do not fit."""
        spki = public_key_info.dump()
        name = signature_algorithm["algorithm"].native
        key = hashlib.sha256()
        for part in (
            spki, signature_algorithm.dump(), signature, hashlib.sha256(signed_data).digest(),
            repr(context).encode(), b"" if self.content is None or name not in _SM2 else self.content,
        ):  # fmt: skip
            key.update(len(part).to_bytes(8, "big"))
            key.update(part)
        digest = key.digest()
        if digest in self._held:
            self._held.move_to_end(digest)
            return
        self.computed += 1
        try:
            if name in _SM2:
                self._check_sm2(signature, signed_data, spki, prehashed=context.prehashed)
            else:
                DEFAULT_SIGNATURE_VALIDATOR.validate_signature(
                    signature, signed_data, public_key_info, signature_algorithm, context
                )
        except (
            AssertionError,
            TypeError,
            ValueError,
            AttributeError,
            UnsupportedAlgorithm,
            NotImplementedError,
        ):
            # A key of another kind than the algorithm's, or a curve that is not there.
            raise InvalidSignature from None
        self._held[digest] = None
        if len(self._held) > _MOST:
            self._held.popitem(last=False)

    def _check_sm2(self, signature: bytes, signed_data: bytes, spki: bytes, *, prehashed: bool) -> None:
        if prehashed:
            # GM/T 0010 without signed attributes: the content itself is signed, not its digest.
            if self.content is None or hashlib.new("sm3", self.content).digest() != signed_data:
                raise InvalidSignature
            signed_data = self.content
        sm2.PublicKey.from_spki(spki).verify(signature, signed_data)


class AlgorithmPolicy(DisallowWeakAlgorithmsPolicy, CMSAlgorithmUsagePolicy):
    """Refuses MD2, MD5 and SHA-1, RSA below 2048 bits, and SM2 with any digest but SM3."""

    def __init__(self) -> None:
        super().__init__(weak_hash_algos=_WEAK)  # type: ignore[no-untyped-call] # the library leaves it untyped

    def digest_combination_allowed(
        self,
        signature_algo: algos.SignedDigestAlgorithm,
        message_digest_algo: algos.DigestAlgorithm,
        moment: datetime | None,
    ) -> AlgorithmUsageConstraint:
        """Whether a digest and a signature's algorithm go together."""
        if signature_algo["algorithm"].native in _SM2:
            name = message_digest_algo["algorithm"].native
            return AlgorithmUsageConstraint(allowed=name == "sm3", failure_reason="SM2 signs with SM3 alone")
        return super().digest_combination_allowed(signature_algo, message_digest_algo, moment)
