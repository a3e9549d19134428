"""What another side tells leads nobody astray, and nobody is written to or writes without end."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.services.applying.conftest import PORTAL
from kouan.apps.identity.models import PeerProvider
from kouan.apps.services.applying import acting, errors, mailing, news, queries
from kouan.apps.services.models import Application, ApplicationNotice
from kouan.core.exchange.models import OutboxMessage
from kouan.web.throttle import TooManyTriesError


def write(row, chan, words):
    acting.act(key=row.key, person=chan.person, action="message", words=words)


def test_one_e_mail_is_enough_until_the_news_is_read(sent, gd):
    row = sent()
    gd.move(row, "message", "in-review", words="One.")
    gd.move(row, "message", "in-review", words="Two.")
    while mailing.run():
        pass
    gd.move(row, "message", "in-review", words="Three.")
    assert not mailing.run()
    assert (len(mail.outbox), ApplicationNotice.objects.count()) == (1, 3)
    news.read(row)
    gd.move(row, "message", "in-review", words="Four.")
    while mailing.run():
        pass
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"{PORTAL}/pay/1/", True),
        ("https://pay.example/1", False),
        (f"{PORTAL}.pay.example/1", False),
        (f"{PORTAL}@pay.example/1", False),
    ],
)
def test_a_fee_is_paid_at_the_portal_of_the_side_that_asks_for_it_alone(sent, gd, address, shown):
    row = sent()
    gd.move(row, "ask-payment", "payment", pay_at=address, words="HKD 100")
    assert (row.state, queries.shown(row).last.pay_at) == ("payment", address if shown else "")
    assert queries.shown(row).last.words == "HKD 100"


def test_where_no_portal_is_known_no_link_is_shown(sent, gd):
    PeerProvider.objects.all().delete()
    row = sent()
    gd.move(row, "ask-payment", "payment", pay_at=f"{PORTAL}/pay/1/")
    assert (row.state, queries.shown(row).last.pay_at) == ("payment", "")


def test_an_applicant_writes_so_often_a_day(sent, gd, chan):
    row = sent()
    gd.move(row, "received", "received")
    for number in range(20):
        write(row, chan, f"{number}")
    with pytest.raises(TooManyTriesError):
        write(row, chan, "And now?")
    assert OutboxMessage.objects.filter(type="services.applicant").count() == 20


UNSENDABLE = ["a,b@c.example", "(@c.example", "a@[b.c", "a;b@c.example", "a@b..example", "<a@c.example>"]


@pytest.mark.parametrize("text", UNSENDABLE)
def test_an_address_that_no_mail_can_go_to_is_not_taken(text):
    with pytest.raises(errors.BadEmail):
        mailing.address(text)


@pytest.mark.parametrize("text", ["chan@example.com", "c.h+a-n@mail.example.com", " chan@example.com ", ""])
def test_an_address_that_mail_can_go_to_is_taken(text):
    assert mailing.address(text) == text.strip()


def test_one_address_that_breaks_the_mail_holds_nobody_up_and_is_in_no_log(sent, gd, caplog, monkeypatch):
    row = sent()
    Application.objects.filter(pk=row.pk).update(email=mailing.sealed(row, "a,b@c.example"))
    row.refresh_from_db()
    gd.move(row, "message", "in-review", words="One.")
    ApplicationNotice.objects.update(mail_due_at=timezone.now() - timedelta(hours=1))  # it is the first
    other = Application.objects.get(pk=row.pk)
    other.pk, other.key = None, uuid.uuid4()
    other.email = mailing.sealed(other, "chan@example.com")
    other.save()
    news.tell(other, "message")
    true = EmailMessage.send

    def send(message, *args, **kwargs):
        """As a server's backend does: each address is parsed before anything goes."""
        if "," in message.to[0]:
            raise ValueError(f"Invalid address; only {message.to[0]} could be parsed")
        return true(message, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "send", send)
    while mailing.run():
        pass
    assert [letter.to for letter in mail.outbox] == [["chan@example.com"]]
    assert not ApplicationNotice.objects.exclude(mail_due_at=None).exists()
    assert "ValueError" in caplog.text
    assert "c.example" not in caplog.text


def copied(row, count):
    """Have a person apply as often again: with an event, a reading and two messages each."""
    lines, message = list(row.events.all()), OutboxMessage.objects.get(message_id=row.message_id)
    for _number in range(count):
        one = Application.objects.get(pk=row.pk)
        one.pk, one.key, one.message_id = None, uuid.uuid4(), uuid.uuid4()
        one.save()
        for each in lines:
            each.pk, each.application, each.told = None, one, b""
            each.message_id = one.message_id if each.kind == "sent" else None
            each.save()
        message.pk, message.message_id, message.conversation = None, one.message_id, one.key
        message.save()


@pytest.mark.parametrize("name", ["mine", "readers"])
def test_a_page_asks_the_database_no_more_for_many_applications(sent, gd, chan, name):
    row = sent()
    gd.hear()
    gd.move(row, "read", "received")
    copied(row, 2)
    url = reverse(f"services:{name}")
    chan.browser.get(url)  # what is read once is read
    counts = []
    for _more in range(2):
        with CaptureQueriesContext(connection) as asked:
            text = chan.browser.get(url).text
        counts.append(len(asked))
        copied(row, 8)
    assert text.count("Department of Transport") >= 3
    assert counts[0] == counts[1]
    assert len(queries.all_crossings(chan.person)) == len(queries.listed(chan.person)) == 19
    assert len(queries.all_readings(chan.person)) == 19
