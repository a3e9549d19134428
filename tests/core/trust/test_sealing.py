from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.trust import sealing
from kouan.core.trust.errors import CannotOpen

# RFC 9180 once more, from its text and from primitives alone: base mode, one suite at a time. It must
# reproduce the published vectors, and understand the library and be understood by it.


def extract(salt, ikm):
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def expand(prk, info, length):
    out = block = b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


class Reference:
    """DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-GCM with keys of ``key_length`` bytes."""

    def __init__(self, aead_id, key_length):
        self.kem = b"KEM" + (0x20).to_bytes(2)
        self.suite = b"HPKE" + b"".join(value.to_bytes(2) for value in (0x20, 1, aead_id))
        self.key_length = key_length

    @staticmethod
    def labeled_extract(suite, salt, label, ikm):
        return extract(salt, b"HPKE-v1" + suite + label + ikm)

    @staticmethod
    def labeled_expand(suite, prk, label, info, length):
        return expand(prk, length.to_bytes(2) + b"HPKE-v1" + suite + label + info, length)

    def shared_secret(self, dh, enc, recipient):
        prk = self.labeled_extract(self.kem, b"", b"eae_prk", dh)
        return self.labeled_expand(self.kem, prk, b"shared_secret", enc + recipient, 32)

    def context(self, info):
        psk_id = self.labeled_extract(self.suite, b"", b"psk_id_hash", b"")
        return b"\0" + psk_id + self.labeled_extract(self.suite, b"", b"info_hash", info)

    def schedule(self, shared, info):
        context, secret = self.context(info), self.labeled_extract(self.suite, shared, b"secret", b"")
        key = self.labeled_expand(self.suite, secret, b"key", context, self.key_length)
        nonce = self.labeled_expand(self.suite, secret, b"base_nonce", context, 12)
        return secret, key, nonce

    def seal(self, recipient, info, plaintext, aad=b"", ephemeral=None):
        ephemeral = ephemeral or X25519PrivateKey.generate()
        enc = ephemeral.public_key().public_bytes_raw()
        dh = ephemeral.exchange(recipient)
        _, key, nonce = self.schedule(self.shared_secret(dh, enc, recipient.public_bytes_raw()), info)
        return enc + AESGCM(key).encrypt(nonce, plaintext, aad)

    def open(self, private, info, sealed, aad=b""):
        enc = sealed[:32]
        dh = private.exchange(X25519PublicKey.from_public_bytes(enc))
        recipient = private.public_key().public_bytes_raw()
        _, key, nonce = self.schedule(self.shared_secret(dh, enc, recipient), info)
        return AESGCM(key).decrypt(nonce, sealed[32:], aad)


INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
PLAINTEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
VECTORS = [
    # RFC 9180 appendix A.1.1: AES-128-GCM.
    {
        "aead": (1, 16),
        "skRm": "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
        "skEm": "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
        "enc": "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
        "shared_secret": "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
        "context": "00725611c9d98c07c03f60095cd32d400d8347d45ed67097bbad50fc56da742d"
        "07cb6cffde367bb0565ba28bb02c90744a20f5ef37f30523526106f637abb05449",
        "secret": "12fff91991e93b48de37e7daddb52981084bd8aa64289c3788471d9a9712f397",
        "key": "4531685d41d65f03dc48f6b8302c05b0",
        "base_nonce": "56d890e5accaaf011cff4b7d",
        "ct": "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    },
    # The RFC's test-vectors.json (github.com/cfrg/draft-irtf-cfrg-hpke): our suite, AES-256-GCM.
    {
        "aead": (2, 32),
        "skRm": "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
        "skEm": "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
        "enc": "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
        "shared_secret": "3101c54c3a4f87439eaac080699ed9bbcc726ffe44e860c0424ccb7e3e2ead7b",
        "context": "004ce5472ecdd5093ba0aecb8f871ff13f1fbc90ee76f0e18ace1a1b7e565baf"
        "a306f6ef962c9ee7cea40407b5d60f0f26990472faae3ac44c78366f1cac1ecde1",
        "secret": "2058ac9b02c1f52c1aaf08bedbec9198219751a94ef67b7d5f0c8b6e2b54ebfb",
        "key": "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f",
        "base_nonce": "151d9929e2449747889bc923",
        "ct": "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
    },
]
OURS = Reference(2, 32)


def private_key(hex_digits):
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(hex_digits))


@pytest.mark.parametrize("vector", VECTORS, ids=["AES-128-GCM", "AES-256-GCM"])
def test_the_reference_holds_the_published_vectors(vector):
    reference = Reference(*vector["aead"])
    recipient, ephemeral = private_key(vector["skRm"]), private_key(vector["skEm"])
    enc, public = bytes.fromhex(vector["enc"]), recipient.public_key()
    shared = reference.shared_secret(ephemeral.exchange(public), enc, public.public_bytes_raw())
    assert shared.hex() == vector["shared_secret"]
    assert reference.context(INFO).hex() == vector["context"]
    expected = tuple(vector[name] for name in ("secret", "key", "base_nonce"))
    assert tuple(value.hex() for value in reference.schedule(shared, INFO)) == expected
    sealed = reference.seal(public, INFO, PLAINTEXT, b"Count-0", ephemeral)
    assert sealed.hex() == vector["enc"] + vector["ct"]
    assert reference.open(recipient, INFO, sealed, b"Count-0") == PLAINTEXT


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_the_reference_opens_what_we_wrap_and_we_open_what_it_wraps(info, key):
    private = private_key(VECTORS[1]["skRm"])
    wrapped = sealing.wrap_batch_key(key, private.public_key(), info=info)
    assert len(wrapped) == sealing.WRAPPED_BYTES
    assert OURS.open(private, info, wrapped) == key
    theirs = OURS.seal(private.public_key(), info, key)
    assert sealing.unwrap_batch_key(theirs, private, info=info) == key


def test_a_wrapped_key_that_was_changed_does_not_open():
    private = X25519PrivateKey.generate()
    wrapped = sealing.wrap_batch_key(sealing.new_batch_key(), private.public_key(), info=b"hk gd")
    for position in range(len(wrapped) * 8):
        # X25519 ignores the top bit of the share (RFC 7748 section 5), but HPKE's context holds all of it.
        changed = bytearray(wrapped)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(CannotOpen):
            sealing.unwrap_batch_key(bytes(changed), private, info=b"hk gd")


@pytest.mark.parametrize("wrapped", [b"", bytes(79), bytes(80), bytes(81), b"\xff" * 80])
def test_bytes_that_are_no_wrapped_key_do_not_open(wrapped):
    with pytest.raises(CannotOpen):
        sealing.unwrap_batch_key(wrapped, X25519PrivateKey.generate(), info=b"")


def test_a_wrapped_key_opens_only_for_its_receiver_and_its_place():
    private = X25519PrivateKey.generate()
    wrapped = sealing.wrap_batch_key(bytes(32), private.public_key(), info=b"hk gd")
    with pytest.raises(CannotOpen):
        sealing.unwrap_batch_key(wrapped, X25519PrivateKey.generate(), info=b"hk gd")
    with pytest.raises(CannotOpen):
        sealing.unwrap_batch_key(wrapped, private, info=b"gd hk")
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.wrap_batch_key(bytes(31), private.public_key(), info=b"")


def test_each_message_has_its_own_key():
    keys = {sealing.message_key(bytes(32), bytes([number]) * 16) for number in range(100)}
    assert len(keys) == 100
    assert sealing.message_key(bytes(32), bytes(16)) == expand(
        bytes(32), b"kouan/1 message key\0" + bytes(16), 32
    )
    assert sealing.message_key(hashlib.sha256().digest(), bytes(16)) not in keys


@given(st.binary(max_size=100), st.binary(max_size=40), st.integers(0))
def test_sealed_content_opens_whole_or_not_at_all(plaintext, aad, where):
    key = bytes(range(32))
    sealed = sealing.seal(key, plaintext, aad)
    assert len(sealed) == len(plaintext) + sealing.TAG_BYTES
    assert sealing.open_sealed(key, sealed, aad) == plaintext
    changed = bytearray(sealed)
    changed[where // 8 % len(sealed)] ^= 1 << where % 8
    for wrong in ((key, bytes(changed), aad), (bytes(32), sealed, aad), (key, sealed, aad + b"x")):
        with pytest.raises(CannotOpen):
            sealing.open_sealed(*wrong)


def test_too_few_bytes_do_not_open():
    with pytest.raises(CannotOpen):
        sealing.open_sealed(bytes(32), b"short", b"")
