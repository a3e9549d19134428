"""What is offered, what people of this side apply for, and the cases that this side works on."""

from kouan.apps.services.models.applying import (
    Application,
    ApplicationEvent,
    ApplicationFile,
    ApplicationNotice,
    Cosignature,
)
from kouan.apps.services.models.cases import (
    Case,
    CaseAccess,
    CaseCounter,
    CaseEvent,
    CaseEvidence,
    CaseFee,
    CaseFile,
    CaseResult,
)
from kouan.apps.services.models.catalogue import CatalogueHeard, CatalogueTold, ServiceText, ServiceVersion

__all__ = [
    "Application",
    "ApplicationEvent",
    "ApplicationFile",
    "ApplicationNotice",
    "Case",
    "CaseAccess",
    "CaseCounter",
    "CaseEvent",
    "CaseEvidence",
    "CaseFee",
    "CaseFile",
    "CaseResult",
    "CatalogueHeard",
    "CatalogueTold",
    "Cosignature",
    "ServiceText",
    "ServiceVersion",
]
