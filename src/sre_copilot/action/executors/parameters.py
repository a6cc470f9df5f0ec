"""Parameters of somebody's own catalogue, typed and checked, and the templates that they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sre_copilot.action.executors.common import schema
from sre_copilot.settings.section import Section

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class CatalogueParameter(Section):
    """A parameter of an entry."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
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
    longest: int = Field(default=200, ge=1, le=10_000)
    """Most characters of a string."""
    default: bool | int | float | str | None = None
    """What it is when a plan does not say; without it a plan must."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "string" and not self.pattern and not self.choices:
            raise ValueError("pattern or choices: a string needs one of them, or anything could be given")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern: {error}") from None
        return self

    def as_schema(self) -> dict[str, Any]:
        """As JSON schema."""
        text = self.type == "string"
        parts = {
            "description": self.description or None,
            "pattern": f"^(?:{self.pattern})$" if self.pattern else None,
            "enum": list(self.choices) or None,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "maxLength": self.longest if text else None,
            "default": self.default,
        }
        return {"type": self.type} | {name: value for name, value in parts.items() if value is not None}


def schema_of(parameters: Mapping[str, CatalogueParameter]) -> dict[str, Any]:
    """The JSON schema of an entry's parameters; those without a default are required."""
    required = [name for name, each in parameters.items() if each.default is None]
    return schema(required, **{name: each.as_schema() for name, each in parameters.items()})


def wrong_text(
    given: Mapping[str, Any], parameters: Mapping[str, CatalogueParameter], *, options: bool = True
) -> str:
    """The first text with control characters, or that its pattern matches only up to the end of a line, or, without `options`, that a program would take for one; '' when there is none."""
    for name, value in given.items():
        known = parameters[name]
        if not isinstance(value, str) or value in known.choices:
            continue
        whole = not known.pattern or re.fullmatch(known.pattern, value)
        option = value.startswith("-") and not options
        if not whole or option or any(ord(each) < 32 for each in value):
            return name
    return ""


def once_each(names: Iterable[str], place: str) -> None:
    """Raise ValueError where two entries have one name."""
    known = list(names)
    if len(set(known)) != len(known):
        raise ValueError(f"{place}: a name stands twice; give each its own")


def used(template: Any) -> Iterator[str]:
    """Names of the placeholders of a template: a text, or a document with texts in it."""
    if isinstance(template, str):
        yield from PLACEHOLDER.findall(template)
    elif isinstance(template, Mapping):
        for name, value in template.items():
            yield from used(name)
            yield from used(value)
    elif isinstance(template, (list, tuple)):
        for value in template:
            yield from used(value)


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A document with its placeholders replaced; a text that is one placeholder and nothing else takes the value with its type."""
    if isinstance(template, str):
        whole = PLACEHOLDER.fullmatch(template)
        return values[whole[1]] if whole else text_of(template, values)
    if isinstance(template, Mapping):
        return {name: filled(value, values) for name, value in template.items()}
    if isinstance(template, (list, tuple)):
        return [filled(value, values) for value in template]
    return template


def text_of(template: str, values: Mapping[str, Any]) -> str:
    """A text with its placeholders replaced."""
    return PLACEHOLDER.sub(lambda found: word(values[found[1]]), template)


def word(value: Any) -> str:
    """A value as a text: JSON's words for true, false and null."""
    return (
        {True: "true", False: "false", None: "null"}[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )
