"""What this provider says of itself (OpenID Connect Discovery 1.0 section 3, RFC 8414, and their kin)."""

from __future__ import annotations

from typing import Any, Final

from kouan.apps.identity.domain import CLAIMS, SCOPES, Level
from kouan.apps.identity.provider.asked import issuer
from kouan.apps.identity.provider.jose import ALGORITHMS
from kouan.apps.identity.provider.telling import TRUST_FRAMEWORK, VERIFIABLE

AUTHORIZE: Final = "/oidc/authorize"
PUSH: Final = "/oidc/par"
TOKEN: Final = "/oidc/token"  # noqa: S105 - a path
USERINFO: Final = "/oidc/userinfo"
JWKS: Final = "/oidc/jwks"
END_SESSION: Final = "/oidc/end_session"


def metadata() -> dict[str, Any]:
    """Return the discovery document; all of it is true."""
    own = issuer()
    return {
        "issuer": own,
        "authorization_endpoint": own + AUTHORIZE,
        "pushed_authorization_request_endpoint": own + PUSH,
        "token_endpoint": own + TOKEN,
        "userinfo_endpoint": own + USERINFO,
        "jwks_uri": own + JWKS,
        "end_session_endpoint": own + END_SESSION,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "acr_values_supported": [level.acr for level in Level],
        "id_token_signing_alg_values_supported": ["ES256"],
        "userinfo_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "claims_parameter_supported": True,
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub", "iss", "auth_time", "acr", "amr", *(name for name in CLAIMS if "#" not in name)
        ],
        "claims_locales_supported": ["en", "zh-Hant", "zh-Hans"],
        "ui_locales_supported": ["en", "zh-Hant", "zh-Hans"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": False,
        "verified_claims_supported": True,
        "trust_frameworks_supported": [TRUST_FRAMEWORK],
        "claims_in_verified_claims_supported": sorted(VERIFIABLE),
        "evidence_supported": [],
    }  # fmt: skip
