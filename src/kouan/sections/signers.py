"""The tables ``[[signer]]`` of ``node.toml``: the keys with which this side's offices sign documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "file": ("key", "certificates"),
    "token": ("module", "label", "pin_env", "key", "certificates"),
    "remote": ("url", "credential", "token_env"),
}
"""What each kind of signer needs."""
OPTIONAL: Final = ("ca", "authorisation_env", "certificate_sha256")
DEPARTMENTS: Final = "departments"
"""For any kind: whose results it signs."""
EVERY: Final = "*"
"""In place of a department's code: every one that no other signer names."""
SIGNER_KEYS: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("name", "kind", *OPTIONAL, *(key for keys in KINDS.values() for key in keys)), str),
    DEPARTMENTS: list,
}
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DEPARTMENT: Final = re.compile(r"[a-z][a-z0-9-]{1,63}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class SignerSettings:
    """One signer."""

    name: str
    kind: str
    """``file`` (a private key in a file of mode 0600; the only kind for SM2), ``token`` (PKCS#11) or
    ``remote``
    (Cloud Signature Consortium API v2)."""
    key: str = ""
    """The key's file, or its label in the token."""
    certificates: Path | None = None
    """PEM: the signer's certificate first, then those of its CAs."""
    module: Path | None = None
    label: str = ""
    url: str = ""
    """The service's address, up to and without ``/csc/v2``."""
    credential: str = ""
    ca: Path | None = None
    """Certification authorities that the service's TLS must lead to; else the machine's own."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """``pin``, ``token`` and ``authorisation``, from the environment."""
    certificate_sha256: str = ""
    """SHA-256 of the signer's own certificate (DER, 64 hex digits), where another one must not sign."""
    departments: tuple[str, ...] = ()
    """Codes of the departments whose results it signs, or ``EVERY``."""

    @classmethod
    def read_all(
        cls, given: Sequence[Mapping[str, Any]], environment: Mapping[str, str], *, home: Path
    ) -> tuple[SignerSettings, ...]:
        """Return the settings of every signer; a ``ValueError`` says which key is missing or wrong."""
        found = tuple(_read(each, environment, home) for each in given)
        names = [each.name for each in found]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two signers are called `{name}`.")
        named = [each for signer in found for each in signer.departments]
        for code in named:
            if named.count(code) > 1:
                raise ValueError(f"two signers sign for the department `{code}`.")
        return found


def signer_for(signers: Sequence[SignerSettings], department: str) -> SignerSettings | None:
    """Return who signs the results of a department; ``None`` where nobody was named.

    >>> every = SignerSettings("seal", "file", departments=("*",))
    >>> signer_for([SignerSettings("fire", "token", departments=("fire-services",)), every], "transport").name
    'seal'
    """
    for code in (department, EVERY):
        for each in signers:
            if code in each.departments:
                return each
    return None


def second_signature(values: Mapping[str, Any]) -> str:
    """Return ``sm2`` where all that this side signs for others is signed by SM2 as well, else nothing.

    A ``ValueError`` says that it is something else.
    """
    wanted: str = values.get("second_signature", "")
    if wanted not in {"", "sm2"}:
        raise ValueError('`second_signature` must be "sm2", or be left out.')
    return wanted


def _check_keys(name: str, kind: str, given: Mapping[str, Any]) -> None:
    for key in KINDS[kind]:
        if not given.get(key):
            raise ValueError(f"signer `{name}`: the key `{key}` is missing.")
    for key in given:
        if key not in {"name", "kind", DEPARTMENTS, *OPTIONAL, *KINDS[kind]}:
            raise ValueError(f"signer `{name}`: the key `{key}` is not for the kind `{kind}`.")


def _read(given: Mapping[str, Any], environment: Mapping[str, str], home: Path) -> SignerSettings:
    name, kind = given.get("name", ""), given.get("kind", "")
    if not _NAME.fullmatch(name):
        raise ValueError("`signer.name` must be up to 40 of a-z, 0-9 and -.")
    if kind not in KINDS:
        raise ValueError(f"signer `{name}`: `kind` must be one of {', '.join(KINDS)}.")
    _check_keys(name, kind, given)
    secrets = {}
    for key in ("pin_env", "token_env", "authorisation_env"):
        if variable := given.get(key):
            if not _VARIABLE.fullmatch(variable):
                raise ValueError(f"signer `{name}`: `{key}` must name an environment variable.")
            secrets[key.removesuffix("_env")] = environment.get(variable, "")
    departments = tuple(given.get(DEPARTMENTS, ()))
    if not all(
        isinstance(each, str) and (each == EVERY or _DEPARTMENT.fullmatch(each)) for each in departments
    ):
        raise ValueError(f'signer `{name}`: `departments` must list departments\' codes, or be ["*"].')
    pinned = given.get("certificate_sha256", "").replace(":", "").lower()
    if pinned and not _FINGERPRINT.fullmatch(pinned):
        raise ValueError(f"signer `{name}`: `certificate_sha256` must be 64 hex digits.")
    module = given.get("module")
    if module and not Path(module).is_absolute():
        raise ValueError(f"signer `{name}`: `module` must be the whole path of the token's library.")
    return SignerSettings(
        name=name,
        kind=kind,
        key=str(home / given["key"]) if kind == "file" else given.get("key", ""),
        certificates=home / given["certificates"] if given.get("certificates") else None,
        module=Path(module) if module else None,
        label=given.get("label", ""),
        url=given.get("url", "").rstrip("/"),
        credential=given.get("credential", ""),
        ca=home / given["ca"] if given.get("ca") else None,
        secrets=secrets,
        certificate_sha256=pinned,
        departments=departments,
    )
