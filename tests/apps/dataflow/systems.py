"""A system of an institution, as tests have one ask its node."""

from __future__ import annotations

import json

API = "/api/v1/dataflow"


class System:
    """A system with a token, or without one."""

    def __init__(self, client, token):
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path):
        return self.client.get(f"{API}{path}", headers=self.headers)

    def post(self, path, body, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.post(
            f"{API}{path}", data, content_type="application/json", headers=self.headers | named
        )


def problem(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    return response.json()
