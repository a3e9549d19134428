"""From facts to alarms: each limit, on its two sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from kouan.apps.operations.alarm_labels import ALARM_KINDS, KEY_USES, alarm_about, alarm_sentence, duration
from kouan.apps.operations.alarms import Alarm, AlarmKind, KeyFacts, PeerFacts, WatchFacts, alarms
from kouan.config import WatchSettings
from kouan.core.trust.keys import KeyUse
from kouan.core.watch.concerns import Concern
from kouan.core.watch.deadlines import Deadline

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMITS = WatchSettings(
    unwitnessed_s=60, unrecorded_s=60, outbox_waiting=100, waiting_s=60, unhandled_s=60, silence_s=60,
    dead_letters=2,
)  # fmt: skip
NUMBER = "hk 5f0d3c3e-7b41-4a53-8a55-6f6d5a1f0c11"
LONG_AGO = NOW - timedelta(days=30)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def peer(**facts):
    return WatchFacts(peers=(PeerFacts("gd", LONG_AGO, **({"last_contact_at": NOW} | facts)),))


def key(days):
    return WatchFacts(keys=(KeyFacts("hk", "tls", NOW + timedelta(days=days)),))


def due(kind, days):
    return WatchFacts(deadlines=(Deadline(kind, NUMBER, days),))


def concern(kind, about):
    return WatchFacts(concerns=(Concern(kind, about, 2),))


@pytest.mark.parametrize(
    ("borne", "too_much", "kind", "about"),
    [
        (
            WatchFacts(ledger_size=9, ledger_was=9),
            WatchFacts(ledger_size=8, ledger_was=9),
            "ledger-shrank",
            "",
        ),
        (WatchFacts(equivocations=9), WatchFacts(recent_equivocations=1), "equivocation", ""),
        (WatchFacts(incidents=9), WatchFacts(recent_incidents=1), "incidents", ""),
        (WatchFacts(disk_free=2_000_000_000), WatchFacts(disk_free=1_999_000_000), "low-disk", ""),
        (WatchFacts(), concern("cases-late", "transport"), "cases-late", "transport"),
        (WatchFacts(), concern("cases-undated", "transport"), "cases-undated", "transport"),
        (WatchFacts(), concern("result-unsound", "gd"), "result-unsound", "gd"),
        (WatchFacts(), concern("renewal-late", ""), "renewal-late", ""),
        (WatchFacts(dead_letters=2), WatchFacts(dead_letters=3), "dead-letters", ""),
        (WatchFacts(unhandled_since=ago(60)), WatchFacts(unhandled_since=ago(61)), "handling-late", ""),
        (peer(last_contact_at=ago(60)), peer(last_contact_at=ago(61)), "peer-silent", "gd"),
        (peer(), peer(last_contact_at=None), "peer-silent", "gd"),
        (peer(unwitnessed_since=ago(60)), peer(unwitnessed_since=ago(61)), "unwitnessed", "gd"),
        (peer(unrecorded_since=ago(60)), peer(unrecorded_since=ago(61)), "record-missing", "gd"),
        (peer(oldest_at=ago(60)), peer(oldest_at=ago(61)), "waiting-long", "gd"),
        (peer(waiting=100), peer(waiting=101), "outbox-growing", "gd"),
        (key(30), key(29.9), "key-ending", "hk tls"),
        (due("filing", 4), due("filing", 3), "filing-due", NUMBER),
        (due("filing", 4), due("filing", 0), "filing-due", NUMBER),
        (due("filing", 4), due("filing", -1), "filing-late", NUMBER),
        (due("erasure", 0), due("erasure", -1), "erasure-late", NUMBER),
        (due("contract", 32), due("contract", 31), "contract-ending", NUMBER),
        (due("contract", -1), due("contract", 0), "contract-ending", NUMBER),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_limit_has_two_sides(borne, too_much, kind, about):
    assert alarms(borne, LIMITS, NOW) == ()
    (alarm,) = alarms(too_much, LIMITS, NOW)
    assert (alarm.kind, alarm.about) == (AlarmKind(kind), about)


def test_a_side_that_was_met_just_now_is_not_silent_yet():
    fresh = WatchFacts(peers=(PeerFacts("gd", ago(10)),))
    assert alarms(fresh, LIMITS, NOW) == ()


def test_the_gravest_comes_first():
    facts = replace(peer(waiting=500, unwitnessed_since=ago(99)), dead_letters=9, ledger_was=1)
    kinds = [alarm.kind for alarm in alarms(facts, LIMITS, NOW)]
    assert kinds == [
        AlarmKind.LEDGER_SHRANK,
        AlarmKind.UNWITNESSED,
        AlarmKind.OUTBOX_GROWING,
        AlarmKind.DEAD_LETTERS,
    ]


def test_a_key_that_has_ended_goes_on_being_told():
    (alarm,) = alarms(key(-3), LIMITS, NOW)
    assert alarm.value == 0


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
@pytest.mark.parametrize("kind", AlarmKind)
def test_every_alarm_has_a_name_and_a_sentence_in_three_scripts(kind, language):
    about = {AlarmKind.KEY_ENDING: "hk sign"}.get(kind, "gd")
    alarm = Alarm(kind, about, 4000, 90)
    with translation.override("en"):
        english = str(ALARM_KINDS[kind]), alarm_sentence(alarm)
    with translation.override(language):
        told = str(ALARM_KINDS[kind]), alarm_sentence(alarm)
    assert "%(" not in told[1]
    assert (told == english) == (language == "en")


def test_every_use_of_a_key_has_a_name():
    assert set(KEY_USES) == {use.value for use in KeyUse}
    assert alarm_about(Alarm(AlarmKind.KEY_ENDING, "hk sign", 1, 1)) == "Hong Kong, signing key"
    assert alarm_about(Alarm(AlarmKind.DEAD_LETTERS, "", 1, 1)) == ""


def test_a_deadline_names_the_contract_and_the_side_that_has_to_file():
    assert alarm_sentence(Alarm(AlarmKind.FILING_LATE, NUMBER, 1, 0)).startswith(
        "A contract (Hong Kong, 5f0d3c3e-7b41-4a53-8a55-6f6d5a1f0c11) had to be filed 1 day ago."
    )
    number = NUMBER.partition(" ")[2]
    assert f"The contract {number} has 9 days left." in alarm_sentence(
        Alarm(AlarmKind.CONTRACT_ENDING, number, 9, 31)
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"), (200_000, "2 days")],
)
def test_a_length_of_time_is_told_as_a_person_would(seconds, text):
    assert duration(seconds) == text
