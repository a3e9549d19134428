"""Alarms in words, in the active language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from kouan.apps.operations.alarms import Alarm, AlarmKind
from kouan.core.sides import side_name
from kouan.core.trust.keys import KeyUse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

ALARM_KINDS: Final[Mapping[AlarmKind, _StrPromise]] = {
    AlarmKind.LEDGER_SHRANK: _("The ledger is shorter than it was"),
    AlarmKind.EQUIVOCATION: _("A ledger contradicts itself"),
    AlarmKind.INCIDENTS: _("Incidents"),
    AlarmKind.RECORD_MISSING: _("A record is missing"),
    AlarmKind.LOW_DISK: _("Little disk space is left"),
    AlarmKind.PEER_SILENT: _("A side is silent"),
    AlarmKind.UNWITNESSED: _("A co-signature is missing"),
    AlarmKind.WAITING_LONG: _("Messages wait too long"),
    AlarmKind.OUTBOX_GROWING: _("Many messages wait"),
    AlarmKind.HANDLING_LATE: _("Messages are not handled"),
    AlarmKind.DEAD_LETTERS: _("Dead letters"),
    AlarmKind.RESULT_UNSOUND: _("A result is no credential"),
    AlarmKind.CASES_LATE: _("Cases are late"),
    AlarmKind.CASES_UNDATED: _("A calendar is missing"),
    AlarmKind.ERASURE_LATE: _("A request to erase is overdue"),
    AlarmKind.FILING_LATE: _("A contract is not filed"),
    AlarmKind.FILING_DUE: _("A contract has to be filed"),
    AlarmKind.CONTRACT_ENDING: _("A contract ends soon"),
    AlarmKind.TRUST_LIST_LATE: _("A trust list is overdue"),
    AlarmKind.RENEWAL_LATE: _("Archived documents are not renewed"),
    AlarmKind.TRUST_LIST_DUE: _("A trust list is due"),
    AlarmKind.KEY_ENDING: _("A key is near its end"),
}

KEY_USES: Final[Mapping[str, _StrPromise]] = {
    KeyUse.ANCHOR.value: _("anchor key"),
    KeyUse.SIGN.value: _("signing key"),
    KeyUse.DECRYPT.value: _("decryption key"),
    KeyUse.LOG.value: _("ledger key"),
    KeyUse.WITNESS.value: _("witness key"),
    KeyUse.TLS_CA.value: _("TLS authority's key"),
    KeyUse.TLS.value: _("TLS key"),
    KeyUse.SIGN_SM2.value: _("SM2 signing key"),
    KeyUse.LOG_SM2.value: _("SM2 ledger key"),
}

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def alarm_about(alarm: Alarm) -> str:
    """Return what an alarm is about, in words; nothing for the node itself."""
    side, _space, use = alarm.about.partition(" ")
    if not use:
        return side_name(side) if side else ""
    key = str(KEY_USES.get(use, use))
    return pgettext("whose key", "%(side)s, %(key)s") % {"side": side_name(side), "key": key}


def alarm_sentence(alarm: Alarm) -> str:  # noqa: C901, PLR0912 - one sentence a kind
    """Return an alarm as a sentence that says what is the matter and what to do."""
    count = round(alarm.value)
    words = {
        "about": alarm_about(alarm),
        "count": count,
        "limit": round(alarm.limit),
        "time": duration(alarm.value),
        "borne": duration(alarm.limit),
    }
    match alarm.kind:
        case AlarmKind.LEDGER_SHRANK:
            text = gettext(
                "Our ledger has %(count)s entries and had %(limit)s before: an older database is in use. "
                "Stop the node, and settle with the other sides' operators how it goes on."
            )
        case AlarmKind.EQUIVOCATION:
            text = gettext(
                "The ledger of another side was signed in two versions that contradict each other. "
                "Keep the evidence and speak to that side."
            )
        case AlarmKind.INCIDENTS:
            text = ngettext(
                "%(count)s incident is not acknowledged: a peer did what it should never do.",
                "%(count)s incidents are not acknowledged: a peer did what it should never do.",
                count,
            )
        case AlarmKind.RECORD_MISSING:
            text = gettext(
                "A sign-in that %(about)s vouched for has waited %(time)s for its record; the limit is "
                "%(borne)s. Until it comes, our ledger does not have it. Call its operator."
            )
        case AlarmKind.LOW_DISK:
            text = gettext(
                "%(count)s MB are free where the node keeps its data; %(limit)s MB are wanted. A node with a "
                "full disk takes nothing in."
            )
        case AlarmKind.PEER_SILENT:
            text = gettext(
                "Nothing has been heard of %(about)s for %(time)s; the limit is %(borne)s. Call its operator."
            )
        case AlarmKind.UNWITNESSED:
            text = gettext(
                "A checkpoint of ours has waited %(time)s for the co-signature of %(about)s; the limit is "
                "%(borne)s. Until it comes, nothing newer can be proved."
            )
        case AlarmKind.WAITING_LONG:
            text = gettext(
                "The oldest message to %(about)s has waited %(time)s for its receipt; the limit is "
                "%(borne)s. Look at the line."
            )
        case AlarmKind.OUTBOX_GROWING:
            text = gettext("%(count)s messages wait for %(about)s; the limit is %(limit)s. Look at the line.")
        case AlarmKind.HANDLING_LATE:
            text = gettext(
                "A message that has arrived has waited %(time)s for its handler; the limit is %(borne)s. The "
                "worker's log says why."
            )
        case AlarmKind.DEAD_LETTERS:
            text = ngettext(
                "%(count)s message could not be delivered or handled. Try it again, or put it away.",
                "%(count)s messages could not be delivered or handled. Try them again, or put them away.",
                count,
            )
        case AlarmKind.RESULT_UNSOUND:
            text = ngettext(
                "%(count)s result from %(about)s holds a credential that it never signed. Call its operator.",
                "%(count)s results from %(about)s hold credentials that it never signed. Call its operator.",
                count,
            )
        case AlarmKind.CASES_LATE:
            text = ngettext(
                "The time limit of %(count)s case of the department “%(about)s” has passed. Its caseworkers "
                "see it first in their list.",
                "The time limit of %(count)s cases of the department “%(about)s” has passed. Its caseworkers "
                "see them first in their list.",
                count,
            )
        case AlarmKind.CASES_UNDATED:
            text = ngettext(
                "%(count)s case of the department “%(about)s” has no last day, since the calendar of its "
                "year is not here. Put it into the node's folder, under sides/calendars/, once it has been "
                "published, and start the node anew.",
                "%(count)s cases of the department “%(about)s” have no last day, since the calendar of its "
                "year is not here. Put it into the node's folder, under sides/calendars/, once it has been "
                "published, and start the node anew.",
                count,
            )
        case AlarmKind.ERASURE_LATE:
            text = ngettext(
                "A person's request to erase (%(about)s) should have been answered %(count)s day ago. The "
                "data officers of that side answer it on their list of requests.",
                "A person's request to erase (%(about)s) should have been answered %(count)s days ago. The "
                "data officers of that side answer it on their list of requests.",
                count,
            )
        case AlarmKind.FILING_LATE | AlarmKind.FILING_DUE | AlarmKind.CONTRACT_ENDING:
            text = _deadline(alarm.kind, count)
        case AlarmKind.RENEWAL_LATE:
            text = ngettext(
                "%(count)s archived document should have a new time-stamp by now and has none. The page of "
                "documents that are kept provable and the worker's log say why. What its old time-stamp "
                "proves is lost once that ends.",
                "%(count)s archived documents should have a new time-stamp by now and have none. The page of "
                "documents that are kept provable and the worker's log say why. What their old time-stamps "
                "prove is lost once those end.",
                count,
            )
        case AlarmKind.TRUST_LIST_LATE:
            text = ngettext(
                "The next edition of the trust list of %(about)s has been overdue for %(count)s day. Until "
                "it is here, signatures under it are not confirmed. Call the officers of its side.",
                "The next edition of the trust list of %(about)s has been overdue for %(count)s days. Until "
                "it is here, signatures under it are not confirmed. Call the officers of its side.",
                count,
            )
        case AlarmKind.TRUST_LIST_DUE:
            text = ngettext(
                "The next edition of the trust list of %(about)s is due within %(count)s day.",
                "The next edition of the trust list of %(about)s is due within %(count)s days.",
                count,
            )
        case AlarmKind.KEY_ENDING:
            text = ngettext(
                "The key “%(about)s” ends in %(count)s day. Its side gives it a successor and exports its "
                "trust document.",
                "The key “%(about)s” ends in %(count)s days. Its side gives it a successor and exports its "
                "trust document.",
                count,
            )
    return text % words


def _deadline(kind: AlarmKind, days: int) -> str:
    if kind is AlarmKind.FILING_LATE:
        return ngettext(
            "A contract (%(about)s) had to be filed %(count)s day ago. Nothing crosses under it until its "
            "party has filed, and the data officer has noted it.",
            "A contract (%(about)s) had to be filed %(count)s days ago. Nothing crosses under it until its "
            "party has filed, and the data officer has noted it.",
            days,
        )
    if kind is AlarmKind.FILING_DUE:
        return ngettext(
            "A contract (%(about)s) has to be filed within %(count)s day. After that nothing crosses "
            "under it.",
            "A contract (%(about)s) has to be filed within %(count)s days. After that nothing crosses "
            "under it.",
            days,
        )
    return ngettext(
        "The contract %(about)s has %(count)s day left. If data is to go on crossing, its data officer "
        "drafts the next version.",
        "The contract %(about)s has %(count)s days left. If data is to go on crossing, its data officer "
        "drafts the next version.",
        days,
    )


def duration(seconds: float) -> str:
    """Return a length of time in the unit in which a person would tell it."""
    if seconds < 2 * _MINUTE:
        count = round(seconds)
        return ngettext("%(count)s second", "%(count)s seconds", count) % {"count": count}
    if seconds < 2 * _HOUR:
        count = round(seconds / _MINUTE)
        return ngettext("%(count)s minute", "%(count)s minutes", count) % {"count": count}
    if seconds < 2 * _DAY:
        count = round(seconds / _HOUR)
        return ngettext("%(count)s hour", "%(count)s hours", count) % {"count": count}
    count = round(seconds / _DAY)
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}
