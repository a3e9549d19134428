"""What the tests do inside a real node: register services, and be the person whom its pages would ask."""

from __future__ import annotations

from django.utils import timezone

from apps.identity.provider.person import ATTRIBUTES, Person
from kouan.apps.identity.models import AccessToken, AuthorizationCode, Interaction, Service, SignIn


def register(client_id, profile, **changes):
    """Register a service."""
    Service.objects.create(
        **{
            "client_id": client_id,
            "department": "Leisure and Cultural Services Department",
            **{f"name_{script}": "Library card" for script in ("en", "zh_hant", "zh_hans")},
            **{f"purpose_{script}": "To issue a library card." for script in ("en", "zh_hant", "zh_hans")},
            "profile": profile,
            "claims": ["name", "birthdate"],
            "created_at": timezone.now(),
        }
        | changes
    )


def agree(keys, level=3):
    """Have one person sign in at home and agree, in each of these interactions."""
    person = Person(level)
    for key in keys:
        person.agree(Interaction.objects.get(key=key), ticked=tuple(ATTRIBUTES))


def count():
    """Return how many codes, tokens and sign-ins there are."""
    return AuthorizationCode.objects.count(), AccessToken.objects.count(), SignIn.objects.count()
