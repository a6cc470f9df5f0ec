"""What a file of policies holds: rules, and tests of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from sre_copilot.domain.plan import RiskLevel
from sre_copilot.settings.acting.freezes import Patterns
from sre_copilot.settings.section import Section

Level = Literal["low", "medium", "high", "critical"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Effect = Literal["forbid", "require", "four_eyes", "allow_auto"]
Share = Annotated[float, Field(ge=0, le=1)]


def _clock(value: Any) -> Any:
    """A time of day that YAML took for a number of the base 60: `22:00` is read as 1320."""
    plain = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1440
    return f"{value // 60:02d}:{value % 60:02d}" if plain else value


Clock = Annotated[str, BeforeValidator(_clock), Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class Hours(Section):
    """Times of day on days of the week, by the clock on the wall; what ends before it begins ends on the next day."""

    days: list[Day] = Field(default_factory=lambda: list(DAYS))
    """Days on which it begins."""
    start: Clock = "00:00"
    """Begin, `HH:MM`."""
    end: Clock = "24:00"
    """End, excluded."""
    time_zone: str = "UTC"
    """Zone of the clock: `Asia/Shanghai`."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.start == self.end:
            raise ValueError("end: is start; a whole day is 00:00 to 24:00")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"time_zone: {self.time_zone!r} is no time zone; write one such as UTC or Asia/Shanghai"
            ) from None
        return self


class When(Section):
    """What must hold for a rule to count; what is not named may be anything. Patterns know `*` for any text."""

    actions: Patterns = Field(default_factory=list)
    """Actions of the catalogue."""
    targets: Patterns = Field(default_factory=list)
    """Keys of targets, `executor/namespace/kind/name`."""
    environments: Patterns = Field(default_factory=list)
    """Environments by name, or by what they are (`production` also means `prod`, and what is unknown)."""
    namespaces: Patterns = Field(default_factory=list)
    """Namespaces."""
    services: Patterns = Field(default_factory=list)
    """Services of the topology."""
    faults: Patterns = Field(default_factory=list)
    """Fault types of the diagnosis."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the incident or the target, each with a pattern; a label that is absent is empty."""
    level_at_least: Level | None = None
    """Kind of action."""
    level_at_most: Level | None = None
    """Kind of action."""
    hours: Hours | None = None
    """Times of day."""
    outside_hours: Hours | None = None
    """All other times than these."""
    confidence_below: Share | None = None
    """Confidence of the diagnosis; one that is not known is 0."""
    confidence_at_least: Share | None = None
    """Confidence of the diagnosis."""
    cases_below: int | None = Field(default=None, ge=1)
    """Similar cases that there were."""
    success_below: Share | None = None
    """Success in them that is certain to 95 %."""
    success_at_least: Share | None = None
    """Success in them that is certain to 95 %."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        low, high = self.level_at_least, self.level_at_most
        if low and high and level_of(low) > level_of(high):
            raise ValueError("level_at_least: is above level_at_most, so it never fits; exchange the two")
        for name in ("confidence", "success"):
            least, below = getattr(self, f"{name}_at_least"), getattr(self, f"{name}_below")
            if least is not None and below is not None and least >= below:
                raise ValueError(
                    f"{name}_at_least: is not below {name}_below, so it never fits; exchange them"
                )
        return self


class Policy(Section):
    """A rule. The strictest of all that fit counts; their order means nothing."""

    name: str = Field(min_length=1, max_length=100)
    """What people call it."""
    when: When = When()
    """What must hold."""
    effect: Effect
    """`forbid`: nobody; `require`: at least `mode`; `four_eyes`: two people; `allow_auto`: the action may earn autonomy."""
    mode: Literal["semi_auto", "manual"] | None = None
    """With `require`: `semi_auto`, a person approves it; `manual`, a person does it."""
    because: str = Field(default="", max_length=300)
    """Why; shown to whoever meets the rule."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.effect == "require") != (self.mode is not None):
            raise ValueError("mode: is needed with effect require (semi_auto or manual), and only there")
        if self.effect == "allow_auto" and not self.when.actions:
            raise ValueError("when.actions: is missing; autonomy is allowed to actions by name")
        return self


class Given(Section):
    """A situation for a test; what is not named is not known."""

    action: str = Field(min_length=1, max_length=100)
    """Name in the catalogue."""
    target: str = Field(default="test//thing/one", pattern=r"^[^/]*/[^/]*/[^/]*/.+$")
    """Key of the target, `executor/namespace/kind/name`."""
    environment: str = ""
    """Environment of the target."""
    level: Level = "medium"
    """Kind of action."""
    reversible: bool | None = None
    """Whether it can be undone; as its level says when it is not named."""
    data_loss: Share = 0.0
    """How much data can be lost."""
    exactly_once: bool = True
    """Whether its effect can be told from none."""
    confidence: Share | None = None
    """Confidence of the diagnosis."""
    inconclusive: bool = False
    """Whether no cause was found."""
    good: int = Field(default=0, ge=0)
    """Similar cases that went well."""
    total: int = Field(default=0, ge=0)
    """Similar cases."""
    since_failure: int | None = Field(default=None, ge=0)
    """Cases that went well since the last failure."""
    service: str = ""
    """Service of the topology."""
    calls: list[tuple[str, str]] = Field(default_factory=list)
    """Who calls whom: `[[shop, cart], [cart, database]]`."""
    rates: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Requests a second by service."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels."""
    fault: str = ""
    """Fault type."""
    at: AwareDatetime | None = None
    """Time, with its offset; a Wednesday noon UTC when it is not named."""

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.good > self.total:
            raise ValueError("good: is more than total; correct one of them")
        return self


class Expected(Section):
    """What must come of it; what is not named may be anything."""

    mode: Literal["auto", "semi_auto", "manual"] | None = None
    """Who decides."""
    four_eyes: bool | None = None
    """Whether two people must agree."""
    forbidden: bool | None = None
    """Whether nobody may."""
    policies: list[str] | None = None
    """Names of exactly those rules that fit."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expects nothing; name mode, four_eyes, forbidden or policies")
        return self


class PolicyTest(Section):
    """A situation, and what must come of it."""

    name: str = Field(min_length=1, max_length=200)
    """What is tested."""
    given: Given
    """The situation."""
    expect: Expected
    """What must come of it."""


class PolicyFile(Section):
    """The whole file."""

    policies: list[Policy] = Field(default_factory=list)
    """The rules."""
    tests: list[PolicyTest] = Field(default_factory=list)
    """Their tests: run at each start and by `sre-copilot policy test`."""


def level_of(name: Level) -> RiskLevel:
    """The level of a word."""
    return RiskLevel[name.upper()]
