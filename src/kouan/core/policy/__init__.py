"""May this cross? Agreements as data, and the one function that decides."""

from kouan.core.policy.agreements import Agreement, AgreementFileError, Clause, load_agreements
from kouan.core.policy.decide import (
    Allowed,
    ConsentRegister,
    ContractRegister,
    Denied,
    Policy,
    Proposal,
    policy_of,
    register_consents,
    register_contracts,
)

__all__ = [
    "Agreement",
    "AgreementFileError",
    "Allowed",
    "Clause",
    "ConsentRegister",
    "ContractRegister",
    "Denied",
    "Policy",
    "Proposal",
    "load_agreements",
    "policy_of",
    "register_consents",
    "register_contracts",
]
