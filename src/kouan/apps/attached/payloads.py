"""The payload of a declared type: a pydantic model, as every payload is, whose rules are its JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import (
    ConfigDict,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kouan.core.exchange import Payload

if TYPE_CHECKING:
    from kouan.apps.attached.schema import PayloadSchema

MODULE: Final = "declarations"
"""Where the models say that they come from: no module of Kouan's."""


class DeclaredPayload(Payload):
    """Base of the payloads that a side declares without code; what is absent stays absent."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    checked_by: ClassVar[PayloadSchema]

    @model_validator(mode="before")
    @classmethod
    def _fits(cls, value: Any) -> Any:
        problem = cls.checked_by.problem(value)
        if problem is not None:
            raise PydanticCustomError(problem, "does not fit")
        return value

    @model_serializer(mode="wrap")
    def _what_is_there(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        whole: dict[str, Any] = handler(self)
        return {name: value for name, value in whole.items() if name in self.model_fields_set}

    @classmethod
    def model_json_schema(cls, *_args: Any, **_options: Any) -> dict[str, Any]:
        """Return the schema as it was declared."""
        return dict(cls.checked_by.schema)


def reserved(name: str) -> bool:
    """Return whether a field cannot be called so, since every payload has something of that name."""
    return name.startswith("model_") or hasattr(DeclaredPayload, name) or name == "checked_by"


def payload_model(name: str, schema: PayloadSchema) -> type[DeclaredPayload]:
    """Return the model of a declared type's payload."""
    fields: dict[str, Any] = {
        field: (Any, ...) if field in schema.required else (Any, None) for field in schema.properties
    }
    model = create_model(name, __base__=DeclaredPayload, __module__=MODULE, **fields)
    model.checked_by = schema
    return model
