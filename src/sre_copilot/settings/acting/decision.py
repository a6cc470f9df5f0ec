"""Keys below `risk` and `decision`: from which risk on who decides, what is never done, and who must agree."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sre_copilot.settings.section import Section


class Risk(Section):
    """From which risk on who decides."""

    auto_remediation_enabled: bool = False
    """Whether anything may be carried out without a person; off."""
    auto_threshold: float = Field(default=0.6, ge=0, le=1)
    """Below this risk an action may run by itself, where that is enabled."""
    approval_threshold: float = Field(default=0.8, ge=0, le=1)
    """From this risk on a person does it; between the two a person approves it."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.auto_threshold > self.approval_threshold:
            raise ValueError("auto_threshold: is above approval_threshold; exchange the two")
        return self


class Decision(Section):
    """Policies, black list, freezes, autonomy and approval."""
