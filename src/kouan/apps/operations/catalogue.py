"""The message catalogue: everything that may cross, made from the declarations themselves."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext, ngettext, override, pgettext

from kouan.apps.operations.limits import describe
from kouan.core.exchange.crossing import Consent, Crossing, Keep, registry
from kouan.core.policy import policy_of
from kouan.core.sides import side_name
from kouan.web.filters import file_size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import timedelta

    from kouan.core.policy import Agreement, Clause

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """A field of a payload: what it is for, and what may stand in it."""

    name: str
    explanation: str
    limits: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One kind of message, in words."""

    type: str
    version: int
    anchor: str
    title: str
    purpose: str
    purpose_code: str
    legal_basis: str
    allowed_by: tuple[tuple[Agreement, Clause], ...]
    """The clauses of this node's agreements that allow it."""
    fields: tuple[FieldEntry, ...]
    consent: str
    consent_reason: str
    senders: str
    receivers: str
    size_limit: str
    files: str
    """How many files may go beside it, and how large; nothing if none may."""
    expiry: str
    kept: str
    """How long what one says stays with the channel."""


def catalogue(*, own_declarations_only: bool = False) -> tuple[CatalogueEntry, ...]:
    """Return every declaration in the active language: by app, as the app's module orders them.

    With ``own_declarations_only`` those that some other package than Kouan made are left out.
    """
    return tuple(
        entry_of(crossing)
        for crossing in sorted(registry.all(), key=_place)
        if not own_declarations_only or crossing.payload.__module__.startswith("kouan.")
    )


def _place(crossing: Crossing[Any]) -> tuple[str, str, int]:
    """Return where a declaration stands: in its app, in the order in which the contents are written down.

    So a question stands before its answer. A class that its module does not hold by name comes last.
    """
    app, module = crossing.type.partition(".")[0], crossing.payload.__module__
    written = list(vars(sys.modules[module])) if module in sys.modules else []
    name = crossing.payload.__name__
    return app, module, written.index(name) if name in written else len(written)


def entry_of(crossing: Crossing[Any]) -> CatalogueEntry:
    """Return one declaration in words."""
    required = crossing.consent is Consent.REQUIRED
    return CatalogueEntry(
        type=crossing.type,
        version=crossing.version,
        anchor=f"{crossing.type.replace('.', '-')}-{crossing.version}",
        title=str(crossing.title),
        purpose=str(crossing.purpose),
        purpose_code=crossing.purpose_code,
        legal_basis=crossing.legal_basis,
        allowed_by=tuple(
            (agreement, clause)
            for agreement in policy_of(settings.NODE.agreements).agreements
            for clause in agreement.clauses
            if crossing.type in clause.types and crossing.legal_basis == clause.legal_basis
        ),
        fields=_fields(crossing),
        consent=pgettext("consent", "Required") if required else pgettext("consent", "Not needed"),
        consent_reason=str(crossing.consent_reason),
        senders=_sides(crossing.senders),
        receivers=_sides(crossing.receivers),
        size_limit=file_size(crossing.max_bytes),
        files=_files(crossing),
        expiry=_duration(crossing.expires_after),
        kept=_kept(crossing.kept),
    )


def catalogue_markdown() -> str:
    """Return the catalogue as the documentation's page, in English.

    Agreements are each node's own and so stand on its page of agreements, not here.
    """
    with override("en"):
        entries = catalogue(own_declarations_only=True)
        return "\n".join([_PREFACE, *(_section(entry) for entry in entries)]).rstrip() + "\n"


_PREFACE: Final = """\
# Message catalogue

Everything that may cross between two nodes. This page is made from the declarations in each app's
`crossings.py` by `kouan catalogue`; a message that is not declared cannot be sent and is refused when
it arrives. Which agreement and clause allow it is shown by each node under `/catalogue/`. For how many days
what a message says is kept is each node's `exchange.keep_bodies_days`; this is what holds unless it is set.
"""


def _section(entry: CatalogueEntry) -> str:
    rows = "".join(
        f"| `{field.name}` | {_cell(field.explanation)} | {_cell(field.limits)} |\n" for field in entry.fields
    )
    return f"""\
## {entry.title} (`{entry.type}`, version {entry.version})

{entry.purpose}

- **Purpose:** `{entry.purpose_code}`
- **Legal basis:** `{entry.legal_basis}`
- **From:** {entry.senders}
- **To:** {entry.receivers}
- **Consent:** {entry.consent}. {entry.consent_reason}
- **At most:** {entry.size_limit}{f", and beside it {entry.files}" if entry.files else ""}
- **Expires after:** {entry.expiry}
- **What it says is kept:** {entry.kept}

| Field | What it is | What may stand in it |
|---|---|---|
{rows}"""


def _files(crossing: Crossing[Any]) -> str:
    limit = crossing.blobs
    if limit is None:
        return ""
    return ngettext(
        "%(count)s file, at most %(size)s", "%(count)s files, each at most %(size)s", limit.most
    ) % {"count": limit.most, "size": file_size(limit.each_bytes)}


def _kept(keep: Keep) -> str:
    days = settings.NODE.exchange.keep_bodies_days
    match keep:
        case Keep.ON_RECORD:
            return gettext("On record, on both sides")
        case Keep.TERM:
            text = ngettext(
                "On both sides, %(count)s day after its end",
                "On both sides, %(count)s days after its end",
                days,
            )
        case Keep.UNTIL_HANDLED:
            text = ngettext(
                "By the receiver until it is handled, by the sender %(count)s day after its end",
                "By the receiver until it is handled, by the sender %(count)s days after its end",
                days,
            )
    return text % {"count": days}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _sides(sides: Collection[str] | str) -> str:
    if isinstance(sides, str):
        return gettext("any side")
    return pgettext("list", ", ").join(side_name(side) for side in sorted(sides))


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    # Each pair of words stands whole in its own call, where the translators' tool finds it.
    if seconds and seconds % _DAY == 0:
        count = seconds // _DAY
        return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}
    if seconds and seconds % _HOUR == 0:
        count = seconds // _HOUR
        return ngettext("%(count)s hour", "%(count)s hours", count) % {"count": count}
    if seconds and seconds % _MINUTE == 0:
        count = seconds // _MINUTE
        return ngettext("%(count)s minute", "%(count)s minutes", count) % {"count": count}
    return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}


def _fields(crossing: Crossing[Any]) -> tuple[FieldEntry, ...]:
    schema = crossing.payload.model_json_schema()
    properties: Mapping[str, Any] = schema.get("properties", {})
    return tuple(
        FieldEntry(name, str(explanation), describe(properties[name], schema.get("$defs", {})))
        for name, explanation in crossing.fields.items()
    )
