"""Parameters of commands and playbooks: typed, and texts only of a pattern or a choice."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import model_validator

from sre_copilot.settings.section import Section


class CommandParameter(Section):
    """A parameter. In a command it stands in one word, and can neither become two words nor an option."""

    type: Literal["string", "integer", "number"] = "string"
    """What it is."""
    description: str = ""
    """What people and models are told of it."""
    pattern: str = ""
    """Regular expression that the whole text must match; required for a string without `choices`."""
    choices: tuple[str, ...] = ()
    """All that it may be, for a string."""
    minimum: float | None = None
    """Least number."""
    maximum: float | None = None
    """Largest number."""
    default: str | int | float | None = None
    """What it is when a plan does not say; without it a plan must."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "string" and not self.pattern and not self.choices:
            raise ValueError("pattern or choices: a string needs one of them, or anything could be run")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern: {error}") from None
        return self

    def as_schema(self) -> dict[str, Any]:
        """As JSON schema."""
        found: dict[str, Any] = {"type": self.type}
        parts = {
            "description": self.description or None,
            "pattern": f"^(?:{self.pattern})$" if self.pattern else None,
            "enum": list(self.choices) or None,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "default": self.default,
        }
        return found | {name: value for name, value in parts.items() if value is not None}

    def holds(self, value: object) -> bool:
        """Whether a text may stand in a command: all of it matches, it is no option, and nothing in it ends a line."""
        if not isinstance(value, str) or value in self.choices:
            return True
        whole = not self.pattern or re.fullmatch(self.pattern, value) is not None
        return whole and not value.startswith("-") and not any(ord(each) < 32 for each in value)
