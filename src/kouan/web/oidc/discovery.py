"""What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414), and its keys (RFC 7517)."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from kouan.web.oidc import line
from kouan.web.oidc.errors import OidcError, ProviderUnsuitable
from kouan.web.oidc.line import ask, read_object
from kouan.web.oidc.provider import is_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kouan.web.oidc.provider import Provider

FRESH: Final = 3600.0
"""Seconds for which a provider's description and keys are believed."""
KEYS_AGAIN: Final = 60.0
"""Seconds that pass at least before keys are fetched anew because one is unknown."""
PAUSE: Final = 5.0
"""Seconds after a failure in which the next one fails at once, so that threads do not pile up."""
_MOST_KEYS: Final = 50
_RSA_MODULUS: Final = range(342, 1367)
"""How many characters of base64url a modulus of 2048 to 8192 bits has."""
_OK: Final = 200

T = TypeVar("T")

_ENDPOINTS: Final = {
    "authorization_endpoint": True,
    "token_endpoint": True,
    "jwks_uri": True,
    "userinfo_endpoint": False,
    "end_session_endpoint": False,
    "pushed_authorization_request_endpoint": False,
}
"""Addresses, and whether each must be there."""
_LISTS: Final = (
    "code_challenge_methods_supported",
    "dpop_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "prompt_values_supported",
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's own description, checked; an address that it does not have is empty."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    pushed_authorization_request_endpoint: str = ""
    code_challenge_methods_supported: tuple[str, ...] = ()
    dpop_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ()
    prompt_values_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


@dataclass(slots=True)
class _Known:
    """What this process remembers of one provider."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: KeySet | None = None
    keys_at: float = 0.0
    failure: OidcError | None = None
    failed_at: float = 0.0


_providers: dict[tuple[str, Path | None, bool], _Known] = {}
_registering = threading.Lock()


def discover(provider: Provider) -> Metadata:
    """Return what the provider says of itself, at most an hour old.

    Raises ``ProviderUnreachable``, or ``ProviderUnsuitable`` when it names another issuer or lacks what
    is needed.
    """
    known = _known(provider)
    with known.lock:
        return _metadata(provider, known)


def keys_of(provider: Provider, *, unknown: bool = False) -> KeySet:
    """Return the provider's public keys for signatures.

    ``unknown`` says that a token names a key that is not among them: they are fetched anew, unless that
    was done less than a minute ago.
    """
    known = _known(provider)
    with known.lock:
        age = time.monotonic() - known.keys_at
        if known.keys is None or age > (KEYS_AGAIN if unknown else FRESH):
            metadata = _metadata(provider, known)
            known.keys = _trying(known, lambda: _fetch_keys(provider, metadata.jwks_uri))
            known.keys_at = time.monotonic()
        return known.keys


def forget() -> None:
    """Forget all that was learnt of any provider, and close the connections to them."""
    with _registering:
        _providers.clear()
    line.forget()


def _known(provider: Provider) -> _Known:
    with _registering:
        return _providers.setdefault((provider.issuer, provider.ca_file, provider.demonstration), _Known())


def _metadata(provider: Provider, known: _Known) -> Metadata:
    if known.metadata is None or time.monotonic() - known.metadata_at > FRESH:
        known.metadata = _trying(known, lambda: _fetch_metadata(provider))
        known.metadata_at = time.monotonic()
    return known.metadata


def _trying(known: _Known, fetch: Callable[[], T]) -> T:
    if known.failure is not None and time.monotonic() - known.failed_at < PAUSE:
        raise type(known.failure)(**known.failure.params)
    try:
        found = fetch()
    except OidcError as error:
        known.failure, known.failed_at = error, time.monotonic()
        raise
    known.failure = None
    return found


def _fetch_metadata(provider: Provider) -> Metadata:
    url = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    answer = ask(provider, url)
    if answer.status != _OK:
        raise ProviderUnsuitable(host=provider.host, detail="openid-configuration")
    return read_metadata(provider, read_object(provider, answer.body, "openid-configuration"))


def read_metadata(provider: Provider, said: Mapping[str, Any]) -> Metadata:
    """Check a provider's description; raises ``ProviderUnsuitable`` naming the member at fault."""

    def unsuitable(member: str) -> ProviderUnsuitable:
        return ProviderUnsuitable(host=provider.host, detail=member)

    if said.get("issuer") != provider.issuer:
        raise unsuitable("issuer")
    found: dict[str, Any] = {}
    for name, needed in _ENDPOINTS.items():
        value = said.get(name)
        if value is None and not needed:
            continue
        if not is_sound(value, demonstration=provider.demonstration):
            raise unsuitable(name)
        found[name] = value
    for name in _LISTS:
        value = said.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise unsuitable(name)
        found[name] = tuple(value)
    if found["code_challenge_methods_supported"] and "S256" not in found["code_challenge_methods_supported"]:
        raise unsuitable("code_challenge_methods_supported")
    iss = said.get("authorization_response_iss_parameter_supported", False)
    if not isinstance(iss, bool):
        raise unsuitable("authorization_response_iss_parameter_supported")
    return Metadata(**found, authorization_response_iss_parameter_supported=iss)


def _fetch_keys(provider: Provider, url: str) -> KeySet:
    answer = ask(provider, url)
    entries = read_object(provider, answer.body, "jwks").get("keys") if answer.status == _OK else None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise ProviderUnsuitable(host=provider.host, detail="jwks")
    keys = [key for entry in entries if (key := _public_key(entry)) is not None]
    if not keys:
        raise ProviderUnsuitable(host=provider.host, detail="jwks")
    return KeySet(keys)


def _public_key(entry: object) -> Key | None:
    """Return a key that may check signatures; others are passed over, as RFC 7517 section 5 asks."""
    if not isinstance(entry, dict) or entry.get("kty") not in ("EC", "OKP", "RSA"):
        return None
    if entry.get("use", "sig") != "sig" or {"d", "k"} & entry.keys():
        return None
    if entry["kty"] == "RSA" and not (isinstance(entry.get("n"), str) and len(entry["n"]) in _RSA_MODULUS):
        return None
    try:
        key = JWKRegistry.import_key({name: value for name, value in entry.items() if name != "key_ops"})
        key.ensure_kid()
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    return key
