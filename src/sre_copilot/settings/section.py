"""What every part of the configuration is: a frozen model that knows no other keys than its own."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["viewer", "responder", "approver", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "responder", "approver", "admin")


class Section(BaseModel):
    """A part of the configuration; an unknown key is an error, never ignored, and no error repeats what was given: it may be a secret."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


def at_least(role: Role, needed: Role) -> bool:
    """Whether `role` may do what `needed` may; each role may do all that those before it may."""
    return ROLES.index(role) >= ROLES.index(needed)
