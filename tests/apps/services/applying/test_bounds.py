"""What another side tells leads nobody astray, and nobody is written to or writes without end."""

from __future__ import annotations

import pytest
from django.core import mail

from apps.services.applying.conftest import PORTAL
from kouan.apps.identity.models import PeerProvider
from kouan.apps.services.applying import acting, mailing, news, queries
from kouan.apps.services.models import ApplicationNotice
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
