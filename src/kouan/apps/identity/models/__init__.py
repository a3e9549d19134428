"""What this app keeps: residents, services, sign-ins and the keys and tokens of a provider.

Of a resident a node keeps a random id, what the home provider calls the account, and what was consented to.
Attributes are sealed, and are gone when the sign-in that brought them has ended.
"""

from kouan.apps.identity.models.consents import ConsentReceipt
from kouan.apps.identity.models.links import Link, MatchQuestion
from kouan.apps.identity.models.peers import PeerProvider, Relay
from kouan.apps.identity.models.provider import (
    AccessToken,
    AuthorizationCode,
    Interaction,
    PushedRequest,
    SigningKey,
    SpentToken,
)
from kouan.apps.identity.models.residents import HomeAccount, HomeSession, Notice, PairwiseSubject, Resident
from kouan.apps.identity.models.services import Service, ServiceChange
from kouan.apps.identity.models.signins import LogoutDelivery, SignIn

__all__ = [
    "AccessToken",
    "AuthorizationCode",
    "ConsentReceipt",
    "HomeAccount",
    "HomeSession",
    "Interaction",
    "Link",
    "LogoutDelivery",
    "MatchQuestion",
    "Notice",
    "PairwiseSubject",
    "PeerProvider",
    "PushedRequest",
    "Relay",
    "Resident",
    "Service",
    "ServiceChange",
    "SignIn",
    "SigningKey",
    "SpentToken",
]
