"""The words for trust lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.signing.lists.changes import MOST_ENTRIES, Arrival, Kind
from kouan.apps.signing.lists.domain import CertificateType, Reason, Status
from kouan.apps.signing.lists.entries import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.utils.functional import _StrOrPromise

    from kouan.apps.signing.lists.importing import Fault

TYPES: Final[Mapping[str, _StrOrPromise]] = {
    CertificateType.PERSONAL: pgettext_lazy("certificate", "Person"),
    CertificateType.ORGANISATION: _("Organisation"),
    CertificateType.SEAL: _("Electronic seal"),
}
STATUSES: Final[Mapping[str, _StrOrPromise]] = {
    Status.RECOGNISED: pgettext_lazy("trust list", "Recognised"),
    Status.SUPERSEDED: pgettext_lazy("trust list", "Superseded"),
    Status.WITHDRAWN: pgettext_lazy("trust list", "Withdrawn"),
    "not-yet": pgettext_lazy("trust list", "Not yet recognised"),
    "ended": pgettext_lazy("trust list", "Recognition has ended"),
    "not-listed": pgettext_lazy("trust list", "Not listed"),
}
STATUS_COLOURS: Final[Mapping[str, str]] = {
    Status.RECOGNISED: "green",
    Status.SUPERSEDED: "blue",
    Status.WITHDRAWN: "red",
}
MEANINGS: Final[Mapping[str, _StrOrPromise]] = {
    Status.RECOGNISED: _("What was signed with such a certificate at that time counts on both sides."),
    Status.SUPERSEDED: _(
        "Another CA had taken its place. Certificates that it had issued before still counted; newer ones "
        "did not."
    ),
    Status.WITHDRAWN: _("What was signed with such a certificate from the withdrawal on does not count."),
    "not-yet": _("Recognition had not begun. What was signed at that time does not count."),
    "ended": _("The time for which it was recognised was over. What was signed then does not count."),
}
ACTIONS: Final[Mapping[str, _StrOrPromise]] = {
    Status.RECOGNISED: _("Recognise again"),
    Status.SUPERSEDED: _("Mark as superseded"),
    Status.WITHDRAWN: pgettext_lazy("trust list", "Withdraw"),
}
REASONS: Final[Mapping[str, _StrOrPromise]] = {
    Reason.RECOGNISED: _("A listed certification authority issued it, and all conditions held."),
    Reason.NO_LIST: _("This node holds no trust list yet."),
    Reason.UNKNOWN_ROOT: _("Its root is in no side's trust list."),
    Reason.UNKNOWN_ISSUING_CA: _("Its root is listed, but not the CA that issued it."),
    Reason.OTHER_TYPE: _("The CA that issued it is listed for another type of certificate."),
    Reason.NO_POLICY: _("It does not name the policy for mutual recognition."),
    Reason.NOT_YET: _("The CA that issued it was not recognised yet."),
    Reason.ENDED: _("The time for which the CA was recognised was over."),
    Reason.WITHDRAWN: _("The recognition of the CA had been withdrawn."),
    Reason.ISSUED_WHEN: _(
        "Another CA has taken the place of the one that issued it, and it was not said when it was issued."
    ),
    Reason.SUPERSEDED: _("It was issued after another CA had taken the place of the one that issued it."),
}
ARRIVALS: Final[Mapping[str, _StrOrPromise]] = {
    Arrival.TAKEN: _("Taken"),
    Arrival.REPLAY: _("The newest edition again: nothing new"),
    Arrival.ROLLBACK: _("An older edition again: it does not take the place of a newer one"),
    Arrival.GAP: _("An edition before it is missing: that side sends it again"),
    Arrival.EQUIVOCATION: _("Another edition of a number that is here already, or of another history"),
    Arrival.REWRITTEN: _("It takes back what an earlier edition said"),
    Arrival.BACKDATED: _("It says that it is older than the one before it, or from the future"),
    Arrival.NEXT_UPDATE: _("Its next update is not within six months"),
    Arrival.SEEN_ANOTHER: _("It names an edition of the other side's list that was never published"),
    Arrival.SIGNATURE: _("Its signature does not hold under that side's own CA"),
    Arrival.MALFORMED: _("It is no trust list that can be read"),
}
DIFFERENCES: Final[Mapping[str, _StrOrPromise]] = {
    Kind.ADDED: pgettext_lazy("trust list", "New"),
    Kind.CHANGED: pgettext_lazy("trust list", "Changed"),
}
FIELDS: Final[Mapping[str, _StrOrPromise]] = {
    "code": _("Code of the entry"),
    "name": _("Name of the certificates"),
    "name_en": _("Name in English"),
    "name_zh_hant": _("Name in Traditional Chinese"),
    "name_zh_hans": _("Name in Simplified Chinese"),
    "provider": _("Certification authority"),
    "provider_en": _("Certification authority in English"),
    "provider_zh_hant": _("Certification authority in Traditional Chinese"),
    "provider_zh_hans": _("Certification authority in Simplified Chinese"),
    "contact": _("Address of the certification authority"),
    "contact_street": _("Street and number, in English"),
    "contact_locality": _("Town, in English"),
    "contact_postal_code": _("Postal code"),
    "contact_country": _("Code of the territory (ISO 3166-1)"),
    "contact_street_zh": _("Street and number, in Chinese"),
    "contact_locality_zh": _("Town, in Chinese"),
    "contact_email": _("E-mail address"),
    "contact_website": _("Website"),
    "certificate_type": _("Issued to"),
    "root": _("Certificate of the root CA"),
    "issuing_ca": _("Certificate of the issuing CA"),
    "recognised_from": _("Recognised from"),
    "recognised_until": _("Last day of recognition"),
    "last_day": _("Last day of recognition"),
    "policy_prefix": _("Policy prefix"),
    "type_policies": _("Policies of this type"),
    "superseded_on": _("Superseded on"),
    "withdrawn_on": _("Withdrawn on"),
    "history": pgettext_lazy("trust list", "History"),
    "reason": _("Reason"),
}
PROBLEMS: Final[Mapping[str, _StrOrPromise]] = {
    Problem.MISSING: _("it is missing."),
    Problem.UNKNOWN: _("an entry has no such field."),
    Problem.WORDS: _("write 1 to 200 characters that can be shown, without a space at an end."),
    Problem.CODE: _("write 1 to 40 small letters, digits and hyphens."),
    Problem.TYPE: _("write personal, organisation or seal."),
    Problem.NO_DAY: _("write a day such as 2026-03-31, from 2000 on."),
    Problem.OID: _("write object identifiers such as 2.16.344.8.2.2008.810.2."),
    Problem.NO_CERTIFICATE: _("this is no certificate in PEM or DER."),
    Problem.NO_FILE: _("neither a certificate nor a file beside this one."),
    Problem.NO_CA: _("this certificate is not a CA's."),
    Problem.NOT_SELF_SIGNED: _("this root did not sign itself."),
    Problem.OTHER_ROOT: _("the root given did not sign this CA."),
    Problem.ENDS_BEFORE: _("recognition ends before it begins."),
    Problem.OUTSIDE_CA: _("the CA's own certificate does not count at that time."),
    Problem.HISTORY: _("each change comes after the one before it, is another state, and has a reason."),
    Problem.TWICE: _("two entries have this code."),
    Problem.MADE_UP: _("a demonstration made this authority up; it counts in demonstrations alone."),
    Problem.COUNTRY: _("write two capital letters, such as HK or CN."),
    Problem.EMAIL: _("write an e-mail address, such as enquiry@example.org."),
    Problem.WEBSITE: _("write an address that begins with https:// or http://."),
    "format": _("this is no JSON, TOML or CSV that can be read as entries."),
    "empty": _("there is no entry in it."),
    "too-long": _("at most %(most)s entries and 2 MB can be taken at once."),
}
DONE: Final[Mapping[str, _StrOrPromise]] = {
    "begun": pgettext_lazy("trust list", "Draft begun"),
    "put": pgettext_lazy("trust list", "Entry added or changed"),
    "status": pgettext_lazy("trust list", "State changed"),
    "removed": pgettext_lazy("trust list", "Entry taken out"),
    "submitted": pgettext_lazy("trust list", "Handed to a second officer"),
    "taken-back": pgettext_lazy("trust list", "Opened again"),
    "published": pgettext_lazy("trust list", "Signed and published"),
    "dropped": pgettext_lazy("trust list", "Put away"),
}


def field_name(field: str) -> str:
    """Return what a field is called."""
    return str(FIELDS.get(field, field))


def fault_words(problem: str) -> str:
    """Return what is wrong with a field."""
    return str(PROBLEMS.get(problem, problem)) % {"most": MOST_ENTRIES}


def faults_text(faults: Iterable[Fault], *, lines: bool) -> str:
    """Return what is wrong with a file, each fault with its place: lines of CSV, or entries."""
    said = []
    for each in faults:
        where = gettext("line %(number)s") if lines else gettext("entry %(number)s")
        parts = [where % {"number": each.place}] if each.place else []
        parts += [field_name(each.field)] if each.field else []
        said.append(": ".join([*parts, fault_words(each.problem)]))
    return " ".join(said)
