from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from kouan.apps.validation import queries, services
from kouan.apps.validation.crossings import FingerprintQuestion, answer_fingerprint_question
from kouan.apps.validation.domain import Reference
from kouan.apps.validation.errors import QuestionAsked
from kouan.apps.validation.models import AnsweredQuestion, DailyCount
from kouan.apps.validation.statistics import KEPT_DAYS, fold, statistics
from kouan.core.exchange import Received
from kouan.core.exchange.models import OutboxMessage
from kouan.web.access import grant_role

pytestmark = pytest.mark.django_db


def note(count: int, *, days_ago: int = 0, **values) -> None:
    day = queries.today() - timedelta(days=days_ago)
    values = {"side": "gd", "outcome": "match", "type": "bank-statement", **values}
    AnsweredQuestion.objects.bulk_create(AnsweredQuestion(day=day, **values) for _ in range(count))


def told(found) -> dict[str, tuple]:
    return {one.key: one.counts for one in found.series}


def test_small_counts_are_not_told_and_others_in_fives(university):
    for days_ago, count in enumerate([4, 5, 9, 10]):
        note(count, days_ago=days_ago, institution=university)
    found = told(statistics(of=[university], by="outcome", days=5))
    assert found["match"] == (None, 10, 5, 5, None)
    assert found["unknown"] == (None,) * 5
    assert told(statistics(of=[university], by="type", days=2))["bank-statement"] == (5, None)
    assert told(statistics(of=[university], by="side", days=2))["gd"] == (5, None)


def test_an_institution_sees_its_own_and_an_operator_all(university, bank):
    note(5, institution=university)
    note(10, institution=bank)
    note(20, institution=None, outcome="unknown", type="")
    assert told(statistics(of=[bank], by="outcome", days=1))["match"] == (10,)
    whole = told(statistics(of=None, by="outcome", days=1))
    assert (whole["match"], whole["unknown"]) == ((15,), (20,))


def test_what_crossed_and_what_was_asked_at_home_are_told_apart(university):
    note(10, institution=university)
    note(15, institution=university, side="mo")
    note(35, institution=university, side="hk")
    for folded in (False, True):
        if folded:
            AnsweredQuestion.objects.update(day=queries.today() - timedelta(days=KEPT_DAYS + 1))
            assert fold()
        across, home = ([{
            by: {key: max(each or 0 for each in counts) for key, counts in told(found).items()}
            for by in ("outcome", "type", "side")
            for found in [statistics(of=[university], by=by, days=14, asked=asked)]
        } for asked in ("across", "home")])  # fmt: skip
        assert (across["outcome"]["match"], home["outcome"]["match"]) == (25, 35)
        assert (across["type"]["bank-statement"], home["type"]["bank-statement"]) == (25, 35)
        assert "hk" not in across["side"]
        assert (across["side"]["gd"], across["side"]["mo"], home["side"]) == (10, 15, {"hk": 35})


def test_an_institutions_own_question_is_no_question_of_another_side(peer, issue):
    document, _ = issue()
    for _each in range(5):
        services.ask(reference=Reference.parse(document.reference), digest=bytes(document.digest))
    assert told(statistics(of=None, by="outcome", days=1))["match"] == (None,)
    assert told(statistics(of=None, by="outcome", days=1, asked="home"))["match"] == (5,)


def test_folding_changes_no_number(university):
    for days_ago in (KEPT_DAYS + 2, KEPT_DAYS + 1, KEPT_DAYS, 0):
        note(7, days_ago=days_ago, institution=university)
        note(6, days_ago=days_ago, institution=university, side="mo", outcome="revoked")
    before = [statistics(of=None, by=by, days=20) for by in ("outcome", "type", "side")]
    assert (fold(), fold(), fold()) == (True, True, False)
    assert (AnsweredQuestion.objects.count(), DailyCount.objects.count()) == (26, 4)
    assert [statistics(of=None, by=by, days=20) for by in ("outcome", "type", "side")] == before


def test_an_answer_is_counted_and_nothing_of_the_document_is_kept(peer, issue):
    document, _ = issue()
    digest = bytes(document.digest)
    services.ask(reference=Reference.parse(document.reference), digest=digest)
    services.ask(reference=Reference.parse(document.reference), digest=bytes(32))
    services.ask(reference=Reference.new("hk"), digest=digest)
    rows = AnsweredQuestion.objects.order_by("pk").values_list("outcome", "side", "institution__code", "type")
    assert list(rows) == [
        ("match", "hk", "harbour-university", "academic-qualification"),
        ("mismatch", "hk", "harbour-university", "academic-qualification"),
        ("unknown", "hk", None, ""),
    ]
    kept = " ".join(repr(row) for row in AnsweredQuestion.objects.values())
    assert document.reference not in kept
    assert digest.hex() not in kept


def test_a_recorded_question_is_not_answered_twice(peer, issue):
    document, _ = issue()
    payload = FingerprintQuestion(
        reference=document.reference, algorithm="sha-256", digest=bytes(document.digest)
    )

    def ask(conversation, payload=payload, sender=peer):
        answer_fingerprint_question(Received(uuid.uuid4(), sender, conversation, timezone.now(), payload))

    conversation = uuid.uuid4()
    ask(conversation)
    with pytest.raises(QuestionAsked):
        ask(conversation)
    assert OutboxMessage.objects.count() == 1
    ask(uuid.uuid4())  # the same file, asked about anew
    ask(conversation, payload.model_copy(update={"digest": bytes(32)}))
    assert AnsweredQuestion.objects.count() == 3


def page(client, **query):
    return client.get(reverse("validation:statistics"), query)


def test_the_page_has_drawings_and_the_numbers_in_a_table(client, officer, university):
    note(7, institution=university)
    note(3, institution=university, outcome="revoked")
    client.force_login(officer)
    for by, number in [("outcome", 5), ("type", 10), ("side", 10)]:
        response = page(client, by=by, days=31)
        text = response.content.decode()
        assert response.status_code == 200
        assert '<svg viewBox="0 0 640 100"' in text
        assert text.count("<title") == text.count('role="img"') + 1
        assert "fewer than 5" in text
        assert f">{number}<" in text.replace("<span>", "").replace("</span>", "")
    assert page(client, by="name", days="x").status_code == 200
    assert "Counted are questions of other sides" in page(client).content.decode()
    home = page(client, asked="home").content.decode()
    assert "None of them crossed" in home
    assert ">5<" not in home


def test_who_may_see_the_page(client, django_user_model, university):
    note(50, institution=university)
    assert page(client).status_code == 302
    user = django_user_model.objects.create_user("nobody")
    client.force_login(user)
    assert page(client).status_code == 403
    grant_role(user=user, role="operator")
    client.force_login(django_user_model.objects.get(pk=user.pk))
    assert "of all its institutions" in page(client).content.decode()


def test_the_api_tells_a_system_and_an_operator(client, token, university, bank, django_user_model):
    note(6, institution=university)
    note(10, institution=bank)
    url = "/api/v1/statistics"
    assert client.get(url).status_code == 401
    found = client.get(f"{url}?days=1", headers={"Authorization": f"Bearer {token}"}).json()
    assert {one["key"]: one["counts"] for one in found["series"]}["match"] == [5]
    home = client.get(f"{url}?days=1&asked=home", headers={"Authorization": f"Bearer {token}"}).json()
    assert (found["asked"], home["asked"]) == ("across", "home")
    assert {one["key"]: one["counts"] for one in home["series"]}["match"] == [None]
    assert client.get(f"{url}?days=93", headers={"Authorization": f"Bearer {token}"}).status_code == 422
    user = django_user_model.objects.create_user("operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    found = client.get(f"{url}?days=1&by=side").json()
    assert {one["key"]: one["counts"] for one in found["series"]}["gd"] == [15]
