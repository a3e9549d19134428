"""Signing with a key of this side's: at once, by whoever may, with a note of it that stays.

The signed file is kept for a day beside the orders that wallets complete, for whoever had it signed.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta  # noqa: TC003 - a default is of it
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.signing.making import cms, jws, keys, longterm, pdf
from kouan.apps.signing.making.algorithms import SM2
from kouan.apps.signing.making.errors import BadSigningToken, NoSuchSigner, NotForThisToken, NotSignable
from kouan.apps.signing.making.orders import MAX_CONTENT, has_room, plain
from kouan.apps.signing.making.pdf import Level
from kouan.apps.signing.models import OfficeSignature, SigningAccess, SigningOrder
from kouan.core.errors import KouanError
from kouan.core.exchange.stamper import stamper
from kouan.web import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

FORMS: Final = ("pdf", "cms", "cms-enclosing", "jws")
"""A signature inside a PDF, one beside the file, one with the file inside, a JSON Web Signature with it."""
MAX_REASON: Final = 200


def sign(  # noqa: PLR0913 - what a signature says, by name
    content: bytes,
    *,
    signer: str,
    owner: str,
    file_name: str,
    form: str = "",
    reason: str = "",
    level: Level = Level.B,
    now: datetime | None = None,
) -> SigningOrder:
    """Sign a file with a signer of ``node.toml``; return the order that holds the result.

    Without a ``form`` a PDF is signed inside itself, and anything else, or by SM2, inside a CMS. A ``level``
    above B is for PDF files alone. Raises ``NoSuchSigner``, ``SignerUnusable``, ``NotSignable``,
    ``NotProvable`` or what the time-stamping authority raises.
    """
    now = now or timezone.now()
    opened = keys.signer(signer)
    form = form or (
        "pdf" if content.startswith(b"%PDF-") and opened.algorithm is not SM2 else "cms-enclosing"
    )
    if form not in FORMS or len(content) > _MOST.get(form, MAX_CONTENT):
        raise NotSignable(detail=_("the form is unknown, or it is too long"))
    if level is not Level.B and form != "pdf":
        raise NotSignable(detail=_("only a PDF gets a time-stamp"))
    plain(file_name, reason)
    has_room(owner, len(content))
    if level in longterm.LASTING:
        longterm.ready(opened)
    with on_record(
        opened, content=content, owner=owner, form=form, file_name=file_name, reason=reason, now=now
    ) as use:
        if form == "pdf":
            under = level if level is Level.B else Level.T
            result = pdf.sign(content, use.signer, level=under, reason=reason, stamper=stamper())
            if level in longterm.LASTING:
                result = longterm.raised(result, level=level)
        else:
            result = _MAKERS[form](content, use.signer, at=now)
        with transaction.atomic():
            use.finish(result)
            return SigningOrder.objects.create(
                owner=owner,
                signer=signer,
                form=_SHORT[form],
                file_name=file_name[:255],
                state=SigningOrder.State.COMPLETED,
                prepared=b"",
                digest=hashlib.sha256(content).digest(),
                attributes=b"",
                result=result,
                created_at=now,
                expires_at=now,
                ended_at=now,
            )


@dataclass(frozen=True)
class Use:
    """One use of an office's key."""

    signer: keys.DocumentSigner
    note: OfficeSignature

    def finish(self, result: bytes) -> None:
        """Write down what came of it."""
        self.note.sha256 = hashlib.sha256(result).digest()
        self.note.save(update_fields=["sha256"])


@contextmanager
def on_record(  # noqa: PLR0913 - what the record says, by name
    opened: keys.DocumentSigner,
    *,
    content: bytes,
    owner: str,
    form: str,
    file_name: str,
    reason: str,
    now: datetime,
) -> Iterator[Use]:
    """Have a key used on record, before it is used, whatever ends this process then; the result comes later.

    What was refused before the key was used leaves no record.
    """
    note = OfficeSignature.objects.create(
        at=now,
        by=owner,
        signer=opened.name,
        certificate=hashlib.sha256(opened.certificate.dump()).digest(),
        form=form,
        file_name=file_name[:255],
        file_sha256=hashlib.sha256(content).digest(),
        sha256=b"",
        reason=reason[:MAX_REASON],
    )
    key = _Watched(opened.raw)
    try:
        yield Use(replace(opened, raw=key), note)
    except KouanError:
        if not key.used:
            note.delete()
        raise


class _Watched:
    """A signer's key, and whether it was used."""

    def __init__(self, raw: keys.RawSigner) -> None:
        self._raw = raw
        self.used = False

    def sign(self, data: bytes) -> bytes:
        self.used = True
        return self._raw.sign(data)


_MAKERS: Final = {"cms": cms.detached, "cms-enclosing": cms.enclosing, "jws": jws.enclosing}
_MOST: Final = {"pdf": pdf.MAX_PDF, "jws": jws.MAX_CONTENT}
"""Bytes of a file by its form, where it is not ``MAX_CONTENT``."""
_SHORT: Final = {"pdf": "pdf", "cms": "cms", "cms-enclosing": "cms-with", "jws": "jws"}
"""How an order's short column names a form."""


def used(*, most: int = 100) -> Sequence[OfficeSignature]:
    """Return the last uses of this side's keys, the newest first."""
    return list(OfficeSignature.objects.all()[:most])


def described() -> list[dict[str, Any]]:
    """Return this side's signers for people to choose among: name, kind, and holder if that is at hand.

    A token or a remote service is not asked: that waits until somebody signs.
    """
    found = []
    for each in settings.NODE.signers:
        holder = ""
        if each.certificates is not None:
            try:
                first = keys.read_certificates(each.certificates.read_bytes())[0]
                holder = str(first.subject.native.get("common_name", ""))
            except (OSError, ValueError):
                holder = ""
        found.append({"name": each.name, "kind": each.kind, "holder": holder})
    return found


def holder_of(name: str) -> str:
    """Return whose certificate a signer's is, as far as that is at hand; else its name."""
    return next((each["holder"] for each in described() if each["name"] == name), "") or name


def issue_access(
    *, name: str, signers: Sequence[str] = (), archive: bool = False, life: timedelta = tokens.LIFE
) -> str:
    """Return a new token of a program, which is shown once; raises ``NoSuchSigner``."""
    for each in signers:
        if each not in keys.names():
            raise NoSuchSigner(name=each[:40], known=", ".join(keys.names()) or "—")
    made, now = tokens.new_token("seal"), timezone.now()
    SigningAccess.objects.create(
        name=name[:80],
        signers=list(signers),
        archive=archive,
        prefix=made.prefix,
        digest=made.digest,
        created_at=now,
        expires_at=now + life,
    )
    return made.token


def revoke_access(*, prefix: str) -> int:
    """Revoke the tokens that begin with ``prefix``; return how many."""
    return tokens.revoke(SigningAccess.objects.all(), prefix)


def use_access(token: str) -> SigningAccess:
    """Return the access that a token gives; raises ``BadSigningToken``."""
    found = tokens.find(SigningAccess.objects.all(), token)
    if found is None:
        raise BadSigningToken
    return found


def owner_of(access: SigningAccess, *, signer: str = "", archive: bool = False) -> str:
    """Return as whom a program acts; raises ``NotForThisToken`` for a signer or an archive not its own."""
    if (signer and signer not in access.signers) or (archive and not access.archive):
        raise NotForThisToken
    return f"token:{access.pk}"
