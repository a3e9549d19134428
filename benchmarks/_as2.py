"""What a message costs in pyas2lib: signed, encrypted, opened, receipted, the receipt checked.

Run by an interpreter of its own that has pyas2lib (GPL: nothing of Kouan imports it):
``python benchmarks/_as2.py FOLDER SECONDS BYTES`` prints messages a second of one core. FOLDER holds
``key.pem`` (RSA 2048, PKCS #8) and ``cert.pem``. Nothing is stored and nothing crosses a network.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

# oscrypto reads OpenSSL's version with a pattern that knows no part of two digits.
_search = re.search
re.search = lambda pattern, *rest: _search(
    pattern.replace(r"\d\.\d\.\d", r"\d+\.\d+\.\d+") if isinstance(pattern, str) else pattern, *rest
)
from pyas2lib import as2  # noqa: E402 - as above

re.search = _search


def main(folder: Path, seconds: float, size: int) -> float:
    """Return how many messages a second one core carries."""
    key, certificate = (folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes()

    def organization(name: str) -> as2.Organization:
        return as2.Organization(
            as2_name=name,
            sign_key=key + certificate, sign_key_pass="",
            decrypt_key=key + certificate, decrypt_key_pass="",
        )  # fmt: skip

    def partner(name: str) -> as2.Partner:
        return as2.Partner(
            as2_name=name, sign=True,
            verify_cert=certificate, encrypt_cert=certificate, validate_certs=False,
            digest_alg="sha256", encrypt=True, enc_alg="aes_256_cbc",
            mdn_mode="SYNC", mdn_digest_alg="sha256",
        )  # fmt: skip

    sender, receiver = organization("hk"), organization("gd")
    payload = b"0123456789" * (size // 10)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        out = as2.Message(sender, partner("gd"))
        out.build(payload, filename="m.bin", content_type="application/octet-stream")
        taken = as2.Message()
        raw = out.headers_str + b"\r\n" + out.content
        status, problem, mdn = taken.parse(
            raw, lambda _name: receiver, lambda _name: partner("hk"), lambda *_: False
        )
        assert status == "processed", problem  # noqa: S101 - a measurement of failures would be worthless
        answer = as2.Mdn()
        status, detail = answer.parse(mdn.headers_str + b"\r\n" + mdn.content, lambda *_, known=out: known)
        assert status == "processed", detail  # noqa: S101 - as above
        count += 1
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
