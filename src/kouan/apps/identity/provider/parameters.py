"""Forms and queries from outside: bounded before they are read, and each parameter once.

RFC 6749 section 3.1: a parameter without a value counts as left out, and none may come twice.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from kouan.apps.identity.provider.errors import InvalidRequest, MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM: Final = "application/x-www-form-urlencoded"
MAX_FORM: Final = 48 * 1024
"""Bytes of a form, and characters of a query."""
MAX_FIELDS: Final = 40
LONGEST: Final = 2048
"""Characters of a parameter for which nothing else is said."""
_LONGEST: Final = {
    "authorization_details": 8192,
    "claims": 4096,
    "client_assertion": 8192,
    "client_id": 64,
    "code": 256,
    "code_challenge": 128,
    "code_challenge_method": 8,
    "code_verifier": 128,
    "dpop_jkt": 64,
    "id_token_hint": 8192,
    "kouan_side": 16,
    "nonce": 255,
    "redirect_uri": 500,
    "request_uri": 512,
    "state": 1024,
}
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_form(body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """Return a form's parameters; raises ``MalformedRequest`` or ``InvalidRequest``."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if len(body) > MAX_FORM or (body and kind != FORM):
        raise MalformedRequest
    try:
        return read_query(body.decode("ascii"))
    except UnicodeDecodeError:
        raise MalformedRequest from None


def read_query(text: str) -> dict[str, str]:
    """Return the parameters of a query; raises ``MalformedRequest`` or ``InvalidRequest``."""
    if len(text) > MAX_FORM:
        raise MalformedRequest
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise MalformedRequest from None
    found: dict[str, str] = {}
    for name, value in pairs:
        shown = re.sub("[^a-z_]", "?", name[:40])
        if name in found or len(value) > _LONGEST.get(name, LONGEST) or _CONTROL.search(name + value):
            raise InvalidRequest(parameter=shown)
        found[name] = value
    return {name: value for name, value in found.items() if value}


def required(form: Mapping[str, str], name: str, shape: re.Pattern[str] | None = None) -> str:
    """Return a parameter that must be there; raises ``InvalidRequest``."""
    value = form.get(name, "")
    if not value or (shape is not None and not shape.fullmatch(value)):
        raise InvalidRequest(parameter=name)
    return value


def json_object(text: str, *, parameter: str) -> dict[str, Any]:
    """Return a parameter that is a JSON object; raises ``InvalidRequest``."""
    try:
        value = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise InvalidRequest(parameter=parameter) from None
    if not isinstance(value, dict):
        raise InvalidRequest(parameter=parameter)
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found
