"""OpenSSL's libcrypto through ``ctypes``: the few functions that SM2 needs, and nothing else.

``cryptography`` carries SM3 and SM4 but no SM2, and its own OpenSSL is sealed inside its wheel. Python's
``ssl`` module links a libcrypto of the machine; that one is loaded here, by name. A Python whose OpenSSL is
linked into it has none to share: then a libcrypto must be installed beside it, and ``load`` says so.

Every handle that OpenSSL gives out is freed by whoever asked for it; what fails leaves nothing on the
thread's error queue, where a later call of another library would find it.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, c_char_p, c_int, c_long, c_size_t, c_ubyte, c_ulong, c_void_p
from functools import cache
from typing import Final

from kouan.core.trust.errors import Sm2Unavailable

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "linux": ("libcrypto.so.3", "libcrypto.so"),
    "darwin": (
        "libcrypto.3.dylib",
        "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
        "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
    ),
    "win32": ("libcrypto-3-x64.dll", "libcrypto-3-arm64.dll", "libcrypto-3.dll"),
}
_OLDEST: Final = 0x30000000
"""OpenSSL 3.0.0, as ``OpenSSL_version_num`` counts: the first whose SM2 keys need no telling."""

_BYTES = POINTER(c_ubyte)
_HANDLE = POINTER(_BYTES)
_PROTOTYPES: Final[dict[str, tuple[object, list[object]]]] = {
    "OpenSSL_version_num": (c_ulong, []),
    "ERR_clear_error": (None, []),
    "CRYPTO_free": (None, [c_void_p, c_char_p, c_int]),
    "EVP_MD_fetch": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "EVP_MD_CTX_new": (c_void_p, []),
    "EVP_MD_CTX_free": (None, [c_void_p]),
    "EVP_MD_CTX_set_pkey_ctx": (None, [c_void_p, c_void_p]),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, [c_void_p, c_void_p, c_char_p]),
    "EVP_PKEY_CTX_free": (None, [c_void_p]),
    "EVP_PKEY_CTX_set1_id": (c_int, [c_void_p, c_char_p, c_int]),
    "EVP_PKEY_keygen_init": (c_int, [c_void_p]),
    "EVP_PKEY_generate": (c_int, [c_void_p, POINTER(c_void_p)]),
    "EVP_PKEY_is_a": (c_int, [c_void_p, c_char_p]),
    "EVP_PKEY_public_check_quick": (c_int, [c_void_p]),
    "EVP_PKEY_pairwise_check": (c_int, [c_void_p]),
    "EVP_PKEY_free": (None, [c_void_p]),
    "EVP_PKEY2PKCS8": (c_void_p, [c_void_p]),
    "PKCS8_PRIV_KEY_INFO_free": (None, [c_void_p]),
    "i2d_PKCS8_PRIV_KEY_INFO": (c_int, [c_void_p, POINTER(c_void_p)]),
    "i2d_PUBKEY": (c_int, [c_void_p, POINTER(c_void_p)]),
    "d2i_PUBKEY": (c_void_p, [c_void_p, POINTER(c_void_p), c_long]),
    "d2i_AutoPrivateKey": (c_void_p, [c_void_p, POINTER(c_void_p), c_long]),
    "EVP_DigestSignInit": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]),
    "EVP_DigestSign": (c_int, [c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t]),
    "EVP_DigestVerifyInit": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]),
    "EVP_DigestVerify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t]),
}


class LibCrypto:
    """The library, with its prototypes set, and SM3 as its digest."""

    def __init__(self, name: str) -> None:
        """Load the library; raises ``OSError`` or ``AttributeError`` if it is not OpenSSL 3 with SM2."""
        library = ctypes.CDLL(name)
        for function, (result, arguments) in _PROTOTYPES.items():
            entry = getattr(library, function)
            entry.restype, entry.argtypes = result, arguments
        self.name = name
        self.call = library
        if library.OpenSSL_version_num() < _OLDEST:
            raise OSError("older than OpenSSL 3.0")
        # Held as long as the process lives: there is one.
        self.sm3 = library.EVP_MD_fetch(None, b"SM3", None)
        context = library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        library.EVP_PKEY_CTX_free(context)
        library.ERR_clear_error()
        if not self.sm3 or not context:
            raise OSError("built without SM2 or SM3")


def open_first(names: tuple[str, ...]) -> LibCrypto:
    """Return the first of these libraries that serves; raises ``Sm2Unavailable``, saying why each did not."""
    reasons = []
    for name in names:
        try:
            return LibCrypto(name)
        except (OSError, AttributeError) as error:
            reasons.append(f"{name}: {error}")
    raise Sm2Unavailable(detail="; ".join(reasons) or f"no name of the library is known on {sys.platform}")


@cache
def load() -> LibCrypto:
    """Return the machine's libcrypto, loaded once a process; raises ``Sm2Unavailable``."""
    return open_first(_NAMES.get(sys.platform, ()))
