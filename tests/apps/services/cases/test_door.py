"""Applications through the door: sealed and posted by Guangdong, decided by the agreement, handled."""

from __future__ import annotations

from kouan.apps.services.cases import working
from kouan.apps.services.models import Case
from kouan.core.exchange import bodies
from kouan.core.exchange.models import InboxBody, OutboxBody, OutboxMessage


def said(application):
    return application.message().payload.model_dump(mode="python")


def test_an_application_comes_through_the_door(sent, post, told):
    application = sent()
    ended = post(
        "services.application", said(application), conversation=application.key, consent=str(application.key)
    )
    assert ended == ("handled", "")
    assert Case.objects.get().key == application.key
    assert [type_ for type_, _payload in told()] == ["services.case"]
    word = {
        "application": application.key.bytes, "action": "withdraw", "answers": b"", "words": "", "kinds": [],
        "evidence": [], "attachments": [], "consent": b"", "at": 1,
    }  # fmt: skip
    ended = post("services.applicant", word, conversation=application.key, consent=str(application.key))
    assert ended == ("handled", "")
    assert Case.objects.get().state == "withdrawn"
    again = post("services.applicant", word, conversation=application.key, consent=str(application.key))
    assert again == ("refused", "not-now")


def test_an_application_that_does_not_fit_is_refused_with_its_reason(sent, post):
    application = sent(level=1)
    ended = post(
        "services.application", said(application), conversation=application.key, consent=str(application.key)
    )
    assert ended == ("refused", "level-too-low")
    assert not Case.objects.exists()


def test_without_a_consent_nothing_comes_in(sent, post):
    application = sent()
    state, code = post("services.application", said(application), conversation=application.key, consent=None)
    assert state == "refused"
    assert "consent" in code
    assert not Case.objects.exists()


def test_a_withdrawn_consent_leaves_nothing_of_what_was_said_in_the_channel(sent, post, told, officer):
    application = sent()
    key, consent = application.key, str(application.key)
    post("services.application", said(application), conversation=key, consent=consent)
    row, worker = Case.objects.get(), officer()
    row = working.take_up(case=row, officer=worker, changed=row.changed)
    row = working.refuse(case=row, officer=worker, changed=row.changed, words="Not a resident.")
    told()
    assert OutboxBody.objects.count() == OutboxMessage.objects.count() == 3
    assert InboxBody.objects.get().keep == "until-handled"
    word = {
        "application": key.bytes, "action": "withdraw-consent", "answers": b"", "words": "", "kinds": [],
        "evidence": [], "attachments": [], "consent": b"", "at": 1,
    }  # fmt: skip
    assert post("services.applicant", word, conversation=key, consent=consent) == ("handled", "")
    assert OutboxBody.objects.get().message.state == "waiting"  # that the case is restricted now
    assert InboxBody.objects.get().message.type == "services.applicant"
    bodies.erase_handled()
    assert not InboxBody.objects.exists()
    row.refresh_from_db()
    assert row.answers  # the department's own file is kept, sealed, for as long as the law asks
