"""Offices' keys under what other apps issue: whose signs for which department, ``node.toml`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from kouan.apps.signing.making import keys, office, pdf
from kouan.core.exchange.stamper import stamper
from kouan.sections.signers import signer_for

if TYPE_CHECKING:
    from kouan.core.trust.offices import Wanted


class OfficeKeys:
    """What ``kouan.core.trust.offices`` asks."""

    def signed(self, paper: bytes, wanted: Wanted, *, department: str) -> bytes | None:
        """Return the signed PDF, with a time-stamp where this node has an authority; the use is on record.

        ``None`` where no office signs for the department. Raises ``SignerUnusable``, ``NotSignable``, or what
        the authority raises.
        """
        given = signer_for(settings.NODE.signers, department)
        if given is None:
            return None
        asking = stamper()
        with office.on_record(
            keys.opened(given),
            content=paper,
            owner=wanted.by,
            form="pdf",
            file_name=wanted.file_name,
            reason=wanted.reason,
            now=timezone.now(),
        ) as use:
            signed = pdf.sign(
                paper,
                use.signer,
                level=pdf.Level.B if asking is None else pdf.Level.T,
                field=wanted.field,
                name=wanted.name,
                place=wanted.place,
                reason=wanted.reason,
                stamper=asking,
            )
            use.finish(signed)
        return signed
