"""How an answer is declared without being made anew: large ones would be checked and copied field by field for nothing."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339, UTC."""
Item = TypeVar("Item")
Severity = Literal["critical", "high", "warning", "info", "low"]


class Shape(BaseModel):
    """The base of what answers look like: a field with a default may be missing, any other is always there."""


class Listing(Shape, Generic[Item]):
    """A page: `next` goes into `cursor` to get the following one, and is null on the last."""

    items: list[Item]
    next: str | None


class Shown:
    """Declares an answer and lets it through as it is."""

    def __init__(self, shape: Any) -> None:
        self._shape = shape

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Anything."""
        declared = TypeAdapter(self._shape).core_schema
        named = core_schema.definitions_schema(declared, [])  # written by its name, as a part would be

        def described(_: CoreSchema, write: GetJsonSchemaHandler) -> JsonSchemaValue:
            return write(named)

        return core_schema.any_schema(metadata={"pydantic_js_annotation_functions": [described]})


def shown(shape: Any) -> Any:
    """The type of an answer that looks like `shape`."""
    return Annotated[Any, Shown(shape)]
