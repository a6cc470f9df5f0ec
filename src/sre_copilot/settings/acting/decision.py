"""Keys below `risk` and `decision`: from which risk on who decides, what is never done, and who must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from sre_copilot.settings.acting.approval import Approval
from sre_copilot.settings.acting.freezes import FreezeWindow, Patterns
from sre_copilot.settings.section import Section

EnvironmentClass = Literal["production", "staging", "test", "development"]


class Risk(Section):
    """From which risk on who decides."""

    auto_remediation_enabled: bool = False
    """Whether anything may be carried out without a person; off."""
    auto_threshold: float = Field(default=0.6, ge=0, le=1)
    """Below this risk an action may run by itself, where that is enabled."""
    approval_threshold: float = Field(default=0.8, ge=0, le=1)
    """From this risk on a person does it; between the two a person approves it."""
    minimum_confidence: float = Field(default=0.7, ge=0, le=1)
    """Probability of the diagnosis below which nothing runs by itself; at 0.7, as far as it is calibrated, fewer than one repair in three is aimed at the wrong cause."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.auto_threshold > self.approval_threshold:
            raise ValueError("auto_threshold: is above approval_threshold; exchange the two")
        return self


class BlackListEntry(Section):
    """What nobody may do: an action is meant when everything that is named fits; what is not named may be anything."""

    actions: Patterns = Field(default_factory=list)
    """Actions of the catalogue, `*` stands for any text: `sql.*`."""
    targets: Patterns = Field(default_factory=list)
    """Keys of targets, `executor/namespace/kind/name`: `sql/*/database/orders*`."""
    environments: Patterns = Field(default_factory=list)
    """Environments by name, or by what they are (`production` also means `prod`, and what is unknown)."""
    namespaces: Patterns = Field(default_factory=list)
    """Namespaces of the target."""
    because: str = Field(default="", max_length=300)
    """Why; shown to whoever wanted it."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.actions or self.targets or self.environments or self.namespaces):
            raise ValueError(
                "names nothing and would forbid everything; for that switch risk and actions off"
            )
        return self


class AutonomousAction(Section):
    """An action that may run without a person once it has earned that."""

    action: str = Field(min_length=1, max_length=100)
    """Name in the catalogue; `*` stands for any text."""
    environments: Patterns = Field(default_factory=list)
    """Environments of the target; any when empty."""
    minimum_cases: int = Field(default=5, ge=0, le=10_000)
    """Similar cases in which people approved it and its effect was verified; five, the fewest whose lower bound passes 0.6. 0 lets it act without a record: for a laboratory."""
    minimum_success: float = Field(default=0.6, ge=0, lt=1)
    """Success that must be certain to 95 % (lower bound of Wilson): five of five give 0.65, nine of ten 0.65, forty of forty 0.94."""


class Autonomy(Section):
    """What may run without a person; nothing unless it is named here (or by a policy), and `risk.auto_remediation_enabled` is on."""

    actions: list[AutonomousAction] = Field(default_factory=list)
    """Actions that may; of several that fit the first counts."""
    cases_after_failure: int = Field(default=3, ge=1, le=1000)
    """After a failure an action needs a person again, until so many cases in a row went well; three, as one or two are no sign."""


class Decision(Section):
    """Policies, black list, freezes, autonomy and approval."""

    environments: dict[str, EnvironmentClass] = Field(default_factory=dict)
    """What an environment of yours is (`live-eu*: production`, `lab: test`), first that fits; else usual names are known, and an unknown one counts as production."""
    black_list: list[BlackListEntry] = Field(default_factory=list)
    """What nobody may do, whoever approves it."""
    freezes: list[FreezeWindow] = Field(default_factory=list)
    """Times in which nothing may be changed, or not without a person."""
    policies: list[Path] = Field(default_factory=list)
    """Files of policies; their own tests are run at each start, and one that fails stops it."""
    autonomy: Autonomy = Autonomy()
    """What may run without a person."""
    approval: Approval = Approval()
    """Who must agree to a plan, and for how long that holds."""
