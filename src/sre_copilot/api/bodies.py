"""What bodies of requests share: nothing that is not named, and no zero characters, which not every database keeps."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class Body(BaseModel):
    """The base of what is sent to the interface."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_zero(cls, value: Any) -> Any:
        if has_zero(value):
            raise ValueError("holds a zero character (U+0000); leave it out")
        return value


def has_zero(value: Any) -> bool:
    """Whether a zero character is in a value, however deep."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, str) and "\0" in each:
            return True
        if isinstance(each, dict):
            rest += [*each, *each.values()]
        elif isinstance(each, list):
            rest += each
    return False
