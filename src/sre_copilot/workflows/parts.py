"""What every part of a workflow is, and the words that parts share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

RESERVED = frozenset({"in", "true", "false", "null", "as", "if", "else", "for", "function", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while", "break", "const", "continue"})  # fmt: skip
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
WORKFLOW_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
TEMPLATE = r"\{\{.*\}\}"


class Part(BaseModel):
    """A part of a workflow: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


def _no_word_of_cel(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name!r} is a word of the expression language; choose another name")
    return name


Identifier = Annotated[str, Field(pattern=IDENTIFIER), AfterValidator(_no_word_of_cel)]
"""A name that expressions can use: a letter or _, then letters, digits and _."""
Text = Annotated[str, Field(min_length=1, max_length=4000)]
"""Text; `{{ expression }}` within it is replaced."""
Template = Annotated[str, Field(pattern=TEMPLATE, max_length=4000)]
"""Text that is a `{{ expression }}`, where something else than text is needed."""
Expression = Annotated[str, Field(min_length=1, max_length=1000)]
"""An expression of CEL."""
Values = dict[str, Any]
"""Values by name; each may hold `{{ expression }}`."""
