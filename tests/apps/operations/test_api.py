from __future__ import annotations

import pytest
from django.test import Client

from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import InboxMessage, OutboxMessage

BASE = "/api/v1/operations"


@pytest.fixture
def api(client, operator):
    """Ask the API as a signed-in operator."""
    client.force_login(operator)

    def ask(path, method="get", **data):
        return getattr(client, method)(BASE + path, data)

    return ask


@pytest.mark.parametrize(
    "path", ["/crossings", "/dead-letters", "/crossings/01890a5d-ac96-774b-bcce-b302099a8057"]
)
def test_only_an_operator_gets_an_answer(client, issuer, node, path):
    assert client.get(BASE + path).status_code == 401
    client.force_login(issuer)
    assert client.get(BASE + path).status_code in (401, 403)


def test_listing_page_by_page(api, node):
    ids = [*node.deliver(3), *node.receive(2)]
    first = api("/crossings", limit=3).json()
    assert first["newer"] is None
    second = api("/crossings", limit=3, before=first["older"]).json()
    assert second["older"] is None
    assert {item["id"] for item in [*first["items"], *second["items"]]} == {str(each) for each in ids}
    back = api("/crossings", limit=3, after=second["newer"]).json()
    assert back["items"] == first["items"]


def test_filters(api, node):
    node.deliver(2, statuses=["denied", None])
    came = node.receive()[0]
    assert [item["id"] for item in api("/crossings", direction="in").json()["items"]] == [str(came)]
    refused = api("/crossings", state="refused").json()["items"]
    assert [(item["code"], item["reason"] != "") for item in refused] == [("denied", True)]
    assert len(api("/crossings", q=str(came)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"direction": "sideways"}, 422),
        ({"limit": 0}, 422),
        ({"limit": 201}, 422),
        ({"q": "01"}, 422),
        ({"before": "x"}, 400),
        ({"peer": "x" * 17}, 422),
    ],
)
def test_bad_questions_get_a_problem_document(api, node, query, status):
    answer = api("/crossings", **query)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"]


def test_one_crossing(api, node):
    message = node.deliver()[0]
    node.witnessed()
    found = api(f"/crossings/{message}").json()
    assert [step["state"] for step in found["steps"]] == ["done", "done", "done", "current"]
    assert found["receipt"]["signer"] == "gd"
    assert found["ledger"]["witnesses"] == ["gd.kouan/witness"]
    assert {field["name"] for field in found["fields"]} == {"text", "kind", "mark"}
    assert api(f"/crossings/{new_id()}").json()["code"] == "no-such-crossing"


def test_dead_letters_are_dealt_with_once(api, node):
    one, two = node.deliver(2, statuses=["denied", "no-agreement"])
    assert {item["id"] for item in api("/dead-letters").json()["items"]} == {str(one), str(two)}
    first, second = (api(f"/dead-letters/{one}/retry", "post").json() for _ in range(2))
    assert (first["already"], second["already"], first["id"] == second["id"]) == (False, True, True)
    first, second = (api(f"/dead-letters/{two}/cancel", "post").json() for _ in range(2))
    assert (first, second["already"]) == ({"withdrawn": False, "already": False}, True)
    assert api("/dead-letters").json()["items"] == []
    assert OutboxMessage.objects.count() == 3


def test_what_cannot_be_done_is_a_problem(api, node):
    message = node.receive()[0]
    InboxMessage.objects.update(state="failed", code="ValueError")
    answer = api(f"/dead-letters/{message}/cancel", "post")
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot-put-away")
    assert api(f"/dead-letters/{new_id()}/retry", "post").status_code == 404


def test_changes_need_the_portals_token(operator, node):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    message = node.deliver(statuses=["denied"])[0]
    assert strict.post(f"{BASE}/dead-letters/{message}/cancel").status_code == 403
    assert not OutboxMessage.objects.get().dismissed


def test_the_newest_co_signed_checkpoint_is_public(client, node):
    assert client.get(f"{BASE}/ledger/checkpoint").status_code == 404
    node.deliver()
    node.witnessed()
    node.deliver()
    answer = client.get(f"{BASE}/ledger/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines[:2] == ["hk.kouan/ledger", "2"]
    assert [line.split()[1] for line in lines[4:]] == ["hk.kouan/ledger", "gd.kouan/witness"]
