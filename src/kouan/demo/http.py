"""A small HTTP client for demonstrations: they use the node's API as any other program would."""

from __future__ import annotations

import http.client
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.demo.nodes import DemonstrationNode


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def request(  # noqa: PLR0913 - what an HTTP request says
    node: DemonstrationNode,
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: bytes | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send one request to a node's portal on this machine."""
    listen = node.config.portal_listen
    connection = http.client.HTTPConnection(listen.host, listen.port, timeout=30)
    sent = {"Accept-Language": "en", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    if content_type:
        sent["Content-Type"] = content_type
    try:
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        return Response(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        )
    finally:
        connection.close()


def post_json(
    node: DemonstrationNode,
    path: str,
    value: object,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Post JSON."""
    return request(
        node,
        "POST",
        path,
        token=token,
        body=json.dumps(value).encode(),
        content_type="application/json",
        headers=headers,
    )


def post_file(  # noqa: PLR0913 - a form has so many parts
    node: DemonstrationNode,
    path: str,
    name: str,
    data: bytes,
    *,
    fields: Mapping[str, str] | None = None,
    token: str | None = None,
) -> Response:
    """Post a form with one file (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in (fields or {}).items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        + b"\r\n"
    )
    parts.append(f"--{boundary}--\r\n".encode())
    return request(
        node,
        "POST",
        path,
        token=token,
        body=b"".join(parts),
        content_type=f"multipart/form-data; boundary={boundary}",
    )
