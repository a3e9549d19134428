"""The public page of a fee: which service and how much, and nothing of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kouan.apps.services.cases import labels, payments, versions, working
from kouan.apps.services.cases.errors import NotNow, PaymentNotConfirmed, UnknownPayment
from kouan.apps.services.cases.views.pages import page
from kouan.apps.services.domain import State
from kouan.apps.services.models import CaseFee

if TYPE_CHECKING:
    from uuid import UUID

    from kouan.core.errors import KouanError


def _fee(key: UUID) -> tuple[CaseFee, payments.Payment]:
    fee = CaseFee.objects.select_related("case").filter(key=key).first()
    if fee is None:
        raise UnknownPayment
    payment = payments.Payment(
        key=fee.key,
        reference=fee.case.reference,
        title=versions.of_case(fee.case).title.text,
        amount=fee.amount,
        currency=fee.currency,
    )
    return fee, payment


def _waits(fee: CaseFee) -> bool:
    """Whether the fee is still asked for."""
    return fee.paid_at is None and fee.case.state == State.PAYMENT


@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Show what is to be paid, lead to the provider, and take in what it says afterwards."""
    fee, payment = _fee(key)
    provider = payments.provider(fee.provider)
    if request.method == "POST" and _waits(fee):
        back = settings.NODE.portal_origin + reverse("services:pay-done", args=[key])
        return HttpResponseRedirect(provider.start(payment, back))
    if request.method == "POST":
        return HttpResponseRedirect(reverse("services:pay", args=[key]))
    late = fee.paid_at is not None and fee.case.events.filter(kind=working.PAID_LATE).exists()
    return page(request, "pay", fee=fee, payment=payment, waits=_waits(fee), late=late)


@require_http_methods(["GET", "HEAD", "POST"])
def demonstration(request: HttpRequest, key: UUID) -> HttpResponse | HttpResponseBase:
    """Play a payment provider in a demonstration: one says that one pays."""
    fee, payment = _fee(key)
    if not payments.DEMONSTRATION.usable() or fee.provider != payments.DEMONSTRATION.name:
        raise Http404
    if request.method != "POST":
        return page(request, "pay-demonstration", fee=fee, payment=payment, problem=None)
    number = payments.DEMONSTRATION.confirm(payment, request.POST.dict())
    problem: KouanError | None = PaymentNotConfirmed() if number is None else None
    if number is not None:
        if _waits(fee):
            working.paid(fee=fee, payment=number)
        elif fee.paid_at is None:
            problem = NotNow(state=labels.state_name(fee.case.state))
    if problem is not None:
        return page(
            request,
            "pay-demonstration",
            fee=fee,
            payment=payment,
            problem=problem,
            status=problem.status,
        )
    return HttpResponseRedirect(reverse("services:pay", args=[key]))


@csrf_exempt  # a provider's own system posts here; what it says counts as far as the provider can check it
@require_http_methods(["GET", "POST"])
def done(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Take in what a provider brings back, by the browser or by itself."""
    fee, payment = _fee(key)
    provider = payments.provider(fee.provider)
    if provider.name == payments.DEMONSTRATION.name:
        raise Http404
    number = provider.confirm(payment, {**request.GET.dict(), **request.POST.dict()})
    if number is None:
        raise PaymentNotConfirmed
    working.paid(fee=fee, payment=number)
    return HttpResponseRedirect(reverse("services:pay", args=[key]))
