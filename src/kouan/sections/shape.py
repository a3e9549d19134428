"""Which tables ``node.toml`` may have, which keys each, and of which type: nothing else is taken."""

from __future__ import annotations

from typing import Final

from kouan.sections import (
    DOOR_KEYS,
    QUESTION_LIMITS,
    WATCH_KEYS,
    dataflow,
    mail,
    payments,
    programme,
    services,
    signers,
    signing,
    staff,
)

SHAPE: Final[dict[str, dict[str, type | tuple[type, ...]]]] = {
    "": {
        "side": str,
        "demonstration": bool,
        "database": str,
        "keys": str,
        "agreements": str,
        "declarations": str,
        "run": str,
        "second_signature": str,
    },
    "portal": {"listen": str, "origin": str},
    "door": {"listen": str, "url": str, **dict.fromkeys(DOOR_KEYS, int)},
    "processes": {"portal": int, "door": int, "worker": int},
    "exchange": {
        **dict.fromkeys(("linger_ms", "batch_max", "outbox_max", "clock_tolerance_s", "inbox_credit"), int),
        "keep_bodies_days": int,
        **dict.fromkeys(("retry_first_s", "retry_longest_s"), (int, float)),
    },
    "token": {"module": str, "label": str, "pin_env": str, "uses": list},
    "attached": {
        "rate_per_second": int,
        **dict.fromkeys(("webhook_ca", "nats", "nats_user", "nats_prefix"), str),
    },
    "staff": staff.KEYS,
    "watch": WATCH_KEYS,
    "dataflow": dataflow.KEYS,
    "signing": signing.KEYS,
    "former_time": signing.FORMER_KEYS,
    "signer": signers.SIGNER_KEYS,
    "mail": mail.KEYS,
    "payments": payments.KEYS,
    "programme": programme.KEYS,
    "services": services.KEYS,
    "blobs": {
        "folder": str,
        **dict.fromkeys(("quota_bytes", "min_free_bytes", "retention_s", "fetch_within_s"), int),
    },
    "ledger": {"quorum": int},
    "validation": dict.fromkeys(QUESTION_LIMITS, int),
    "identity": {"cooling_off_s": int, "ca": str},
    "issuer": {"url": str, "token_env": str},
    "time": {"tsa": str, "ca": str, "policy": str, "every_s": int, "every_leaves": int},
    "witness": {"name": str, "url": str, "key": str},
    "home": {
        **dict.fromkeys(("id", "kind", "issuer", "client_id", "secret_env", "key_file", "ca_file"), str),
        **dict.fromkeys(("name", "levels", "authentication", "claims"), dict),
        "scopes": list,
    },
}
"""By the table's name; the keys outside any table under an empty one."""
