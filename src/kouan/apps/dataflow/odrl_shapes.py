"""The shapes of the ODRL policies that this node takes in: whatever else one says is refused by these."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.domain import (  # noqa: TC001 - read by pydantic at run time
    Assessment,
    Code,
    Ground,
    HexDigest,
    Names,
)
from kouan.core.policy.decide import term_day

Uid = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", populate_by_name=False, defer_build=True
    )


class Reference(_Part):
    """A thing by its IRI."""

    id: Uid = Field(alias="@id")


class Typed(_Part):
    """A value with its type of XML Schema."""

    value: Annotated[str, StringConstraints(max_length=64)] = Field(alias="@value")
    type: Literal["xsd:dateTime", "xsd:integer", "xsd:dayTimeDuration"] = Field(alias="@type")


class Constraint(_Part):
    """ODRL 2.2, section 2.5: of the operands and operators only those that terms have."""

    left_operand: Literal["purpose", "dateTime", "spatial", "count", "elapsedTime", "recipient"] = Field(
        alias="leftOperand"
    )
    operator: Literal["isAnyOf", "gteq", "lteq", "eq"]
    right_operand: list[Reference] | Reference | Typed | Uid = Field(alias="rightOperand")

    def ids(self) -> list[str]:
        """Return the IRIs on the right."""
        right = self.right_operand if isinstance(self.right_operand, list) else [self.right_operand]
        found = [each.id for each in right if isinstance(each, Reference)]
        if not found:
            raise self._wrong()
        return found

    def day(self) -> str:
        """Return the day of the time on the right, as terms count days."""
        try:
            return term_day(datetime.fromisoformat(self._typed("xsd:dateTime"))).isoformat()
        except (ValueError, OverflowError):
            raise self._wrong() from None

    def number(self) -> int:
        """Return the whole number on the right."""
        text = self._typed("xsd:integer")
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise self._wrong()
        return int(text)

    def days(self) -> int:
        """Return the days of the duration on the right."""
        found = re.fullmatch(r"P([0-9]{1,6})D", self._typed("xsd:dayTimeDuration"))
        if found is None:
            raise self._wrong()
        return int(found[1])

    def _typed(self, kind: str) -> str:
        if not isinstance(self.right_operand, Typed) or self.right_operand.type != kind:
            raise self._wrong()
        return self.right_operand.value

    def _wrong(self) -> errors.PolicyNotUnderstood:
        return errors.PolicyNotUnderstood(detail=f"{self.left_operand}: rightOperand")


class Duty(_Part):
    """ODRL 2.2, section 2.6.3: to erase after so many days."""

    type: Literal["Duty"]
    action: Literal["delete"]
    constraint: Annotated[list[Constraint], Len(1, 1)]


class Permission(_Part):
    """ODRL 2.2, section 2.6.1: to use what crosses, or to hand it on to somebody."""

    type: Literal["Permission"]
    target: Annotated[list[Uid], Len(1, 40)]
    action: Literal["use", "distribute"]
    constraint: Annotated[list[Constraint], Len(1, 8)]
    duty: Annotated[list[Duty], Len(0, 1)] = []


class Prohibition(_Part):
    """ODRL 2.2, section 2.6.2: to hand it on to nobody."""

    type: Literal["Prohibition"]
    target: Annotated[list[Uid], Len(1, 40)]
    action: Literal["distribute"]


class PolicyParty(_Part):
    """ODRL 2.2, section 2.3: an institution."""

    type: Literal["Party"]
    uid: Annotated[
        str, StringConstraints(pattern=r"^urn:kouan:institution:[a-z]{2,16}:[a-z][a-z0-9-]{1,63}$")
    ]
    names: Names
    registration: Annotated[str, StringConstraints(max_length=64)]
    place: Annotated[str, StringConstraints(max_length=64)]


class Beside(_Part):
    """What terms say that ODRL has no word for."""

    version: int
    replaces: HexDigest | None
    basis: Code
    assessment: Assessment
    ground: Ground | None = None


class Policy(_Part):
    """ODRL 2.2, section 2.1: a policy of two institutions."""

    context: dict[str, Any] = Field(alias="@context")
    type: Literal["Agreement", "Offer"]
    uid: Uid
    profile: Literal["urn:kouan:odrl-profile:1"]
    legal_basis: Annotated[str, StringConstraints(pattern=r"^dpv:[A-Za-z]{2,60}$")] = Field(
        alias="legalBasis"
    )
    assigner: PolicyParty
    assignee: PolicyParty
    permission: Annotated[list[Permission], Len(1, 17)]
    prohibition: Annotated[list[Prohibition], Len(0, 1)] = []
    terms: Beside


POLICY: Final = TypeAdapter(Policy)
