"""Paying fees: whoever takes the money is a plug-in, and what it needs of a case is an amount and a number.

A provider gets no name and no answer of the applicant. It says where the person pays, and afterwards whether
they have; the case goes on once it is sure, and only once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from django.conf import settings
from django.urls import reverse

from kouan.apps.services.cases.errors import NoPaymentProvider
from kouan.config import ConfigError

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from kouan.core.text import Localised


@dataclass(frozen=True, slots=True)
class Payment:
    """What is to be paid."""

    key: uuid.UUID
    """Random; the address of the payment page."""
    reference: str
    """The case's number, for the statement of account."""
    title: Localised
    """The service."""
    amount: Decimal
    currency: str


class Provider(Protocol):
    """Takes fees."""

    @property
    def name(self) -> str:
        """A short code; kept with each fee."""

    def usable(self) -> bool:
        """Whether it takes fees on this node."""

    def start(self, payment: Payment, back: str) -> str:
        """Return the address where the person pays; they come back to ``back``."""

    def confirm(self, payment: Payment, said: Mapping[str, str]) -> str | None:
        """Return the provider's own number of a payment that was made; ``None`` where none was.

        ``said`` is what the browser, or the provider itself, brought back; it is believed only as far as
        the provider can check it.
        """


_providers: dict[str, Provider] = {}
_PARTS: Final = ("name", "usable", "start", "confirm")


def register(provider: Provider) -> None:
    """Add a provider (an app's ``ready`` is the place); the first usable one takes the fees."""
    if _providers.setdefault(provider.name, provider) is not provider:
        raise ValueError(f"two payment providers are called {provider.name!r}")


def load(paths: Iterable[str]) -> None:
    """Register the providers that ``payments.providers`` of ``node.toml`` names, in their order.

    Each is ``package.module:name`` of something that is called without arguments and returns a ``Provider``.
    Raises ``ConfigError`` with what is wrong, so that a node does not start without its cashier.
    """
    for path in paths:
        module, _colon, name = path.partition(":")
        try:
            made = getattr(import_module(module), name)()
        except Exception as error:
            raise ConfigError(f"`payments.providers`: {path} cannot be loaded ({error}).") from error
        if lacks := [part for part in _PARTS if not hasattr(made, part)]:
            raise ConfigError(f"`payments.providers`: {path} has no {', '.join(lacks)}.")
        if made.name not in _providers:
            register(made)


def provider(name: str = "") -> Provider:
    """Return the provider that takes fees here, or the named one; raises ``NoPaymentProvider``.

    The demonstration's is the last that is asked.
    """
    every = sorted(_providers.values(), key=lambda each: each is DEMONSTRATION)
    for each in [_providers[name]] if name in _providers else every:
        if each.usable():
            return each
    raise NoPaymentProvider


class DemonstrationProvider:
    """Takes no money: a page of this node on which one says that one pays, or not."""

    @property
    def name(self) -> str:
        """Its code."""
        return "demonstration"

    def usable(self) -> bool:
        """Only in a demonstration."""
        return bool(settings.NODE.demonstration)

    def start(self, payment: Payment, back: str) -> str:  # noqa: ARG002 - it leads back by itself
        """Return its page."""
        return reverse("services:pay-demonstration", args=[payment.key])

    def confirm(self, payment: Payment, said: Mapping[str, str]) -> str | None:  # noqa: ARG002 - nobody pays
        """Believe the button."""
        if not self.usable() or said.get("answer") != "pay":
            return None
        return f"DEMO-{secrets.token_hex(6).upper()}"


DEMONSTRATION: Final[DemonstrationProvider] = DemonstrationProvider()
register(DEMONSTRATION)
