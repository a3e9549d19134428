"""The operator's pages about keys: ours and who knows them, and what a reported one has signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from kouan.apps.operations.views import page_of
from kouan.core.exchange import keystatus, signedby
from kouan.core.trust.keys import KeyUse
from kouan.web.access import require_role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

USES: Final[dict[KeyUse, _StrPromise]] = {
    KeyUse.ANCHOR: _("Anchor: signs the trust document"),
    KeyUse.SIGN: _("Signs batches and receipts"),
    KeyUse.DECRYPT: _("Opens what is sealed to us"),
    KeyUse.LOG: _("Signs our ledger's checkpoints"),
    KeyUse.WITNESS: _("Co-signs other sides' checkpoints"),
    KeyUse.TLS_CA: _("Issues our TLS certificate"),
    KeyUse.TLS: _("The door's TLS key"),
    KeyUse.SIGN_SM2: _("Signs batches and receipts a second time, by SM2"),
    KeyUse.LOG_SM2: _("Signs our ledger's checkpoints a second time, by SM2"),
}
STATES: Final[dict[str, tuple[_StrPromise, str]]] = {
    "in-use": (_("In use"), "green"),
    "next": (_("Comes next"), "blue"),
    "ended": (_("Ended"), "grey"),
    "pruned": (_("Private half deleted"), "grey"),
    "compromised": (_("Compromised"), "red"),
}
VERDICTS: Final[dict[str, tuple[_StrPromise, str]]] = {
    "installed": (_("Uses it, and has signed so"), "green"),
    "held": (_("Waits for its operator to compare the fingerprint"), "yellow"),
    "superseded": (_("Knows a newer one"), "yellow"),
    "first": (_("Was given it by hand"), "green"),
    "": (_("Has not acknowledged it yet"), "yellow"),
}
SIGNED: Final[dict[str, _StrPromise]] = {
    "batch-sent": _("Batch sent"),
    "batch-received": _("Batch received"),
    "receipt-given": _("Receipt given"),
    "receipt-received": _("Receipt received"),
    "checkpoint": _("Checkpoint of a ledger"),
    "cosignature": _("Co-signature under a checkpoint"),
}


@require_safe
@require_role("operator")
def keys(request: HttpRequest) -> HttpResponse:
    """Show every key of this side, who knows of it, and every report of a compromise."""
    return page_of(
        request,
        "keys",
        view=keystatus.status(),
        reports=signedby.reported(),
        uses=USES,
        states=STATES,
        verdicts=VERDICTS,
    )


@require_safe
@require_role("operator")
def compromised(request: HttpRequest, kid: str) -> HttpResponse:
    """List what a reported key has signed since it was exposed; 404 for a key that nobody reported."""
    return page_of(request, "compromised", found=signedby.signed_since(kid), uses=USES, kinds=SIGNED)
