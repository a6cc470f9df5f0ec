"""The keys of `alerting.people`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator

from sre_copilot.settings.alerting.people_names import Named, check_names
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TargetKind = Literal["schedule", "team", "person", "receiver"]
TARGET_KINDS: tuple[TargetKind, ...] = ("schedule", "team", "person", "receiver")
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = {"daily": 366, "weekly": 53, "hours": 366 * 24}  # a year
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
PHONE = re.compile(r"\+[0-9]{6,15}")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; write for example Europe/Berlin, Asia/Shanghai or UTC") from None
    return name


TimeZone = Annotated[str, AfterValidator(_zone)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
EndOfTime = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Identifier = Annotated[str, Field(pattern=r"^[\w.@-]{1,64}$")]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2100, 1, 1))]


class PersonSettings(Section):
    """Somebody who can be called."""

    name: Annotated[str, Field(max_length=200)] = ""
    """Name that people read; the key where it is empty."""
    email: str = ""
    """Address for e-mail; also how calendars name the person."""
    phone: str = ""
    """Number with its country, for example `+4915112345678`."""
    slack: str = ""
    """Id of the member in Slack (`U…`)."""
    feishu: str = ""
    """`open_id` of the person in Feishu."""
    dingtalk: str = ""
    """Mobile number or user id in DingTalk."""
    wecom: str = ""
    """User id in WeCom."""
    language: Literal["en", "zh"] = "en"
    """Language of messages to the person."""
    time_zone: TimeZone = "UTC"
    """Time zone of the person, in which times are told to them."""

    @field_validator("email")
    @classmethod
    def _email(cls, value: str) -> str:
        if value and not EMAIL.fullmatch(value):
            raise ValueError("is no e-mail address; write name@example.org")
        return value

    @field_validator("phone")
    @classmethod
    def _phone(cls, value: str) -> str:
        if value and not PHONE.fullmatch(value):
            raise ValueError("is no number with its country; write + and 6 to 15 digits")
        return value


class TeamSettings(Section):
    """Persons who answer for something together."""

    name: Annotated[str, Field(max_length=200)] = ""
    """Name that people read; the key where it is empty."""
    members: Annotated[list[str], Field(min_length=1)]
    """Persons, by their keys."""
    policy: str = ""
    """Escalation policy of what the team owns."""


class RestrictionSettings(Section):
    """Times of day on some days of the week."""

    days: list[Weekday] = Field(default_factory=lambda: list(WEEKDAYS), min_length=1)
    """Days on which the time begins; all when absent."""
    start: TimeOfDay
    """When it begins, local time."""
    end: EndOfTime
    """When it ends, local time; one that is not after `start` is on the next day, `24:00` is midnight."""


class LayerSettings(Section):
    """Persons who take turns."""

    name: Annotated[str, Field(max_length=100)] = ""
    """What it is called; its number where it is empty."""
    every: Literal["daily", "weekly", "hours"] = "weekly"
    """What `length` counts; hours are those of the clock on the wall."""
    length: int = Field(default=1, ge=1, le=8784)
    """Days, weeks or hours of a turn."""
    start: Day
    """Day on which the first turn begins, at `hand_over`; nobody is on call in this layer before."""
    until: Day | None = None
    """Day on which it ends, at `hand_over`; never when absent."""
    hand_over: TimeOfDay = "09:00"
    """Local time of day at which turns change; in the morning, when both persons are awake. It stays so when the clocks change."""
    weekday: Weekday = "mon"
    """Day on which weeks change."""
    order: Annotated[list[str], Field(min_length=1, max_length=200)]
    """Persons in the order of their turns, by their keys; one may stand several times."""
    restrictions: list[RestrictionSettings] = Field(default_factory=list)
    """Times that count; all times when empty."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Of the layers that have somebody the highest counts; equal ones are on call together."""

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until and self.until <= self.start:
            raise ValueError("until: is not after start; correct one of them, or remove the layer")
        if self.length > LONGEST[self.every]:
            raise ValueError("length: is a turn of more than a year; make it shorter")
        return self


class ScheduleSettings(Section):
    """Who is on call when."""

    name: Annotated[str, Field(max_length=200)] = ""
    """Name that people read; the key where it is empty."""
    time_zone: TimeZone = "UTC"
    """Time zone of its hand-overs, and of times without a zone in its calendar."""
    layers: list[LayerSettings] = Field(default_factory=list)
    """Rotations."""
    calendar_file: Path | None = None
    """iCalendar file (`.ics`) that plans who is on call; read again when it changes."""
    calendar_priority: int = Field(default=1, ge=-100, le=100)
    """Priority of the calendar among the layers; above the default of rotations, which then fill what it leaves."""

    @model_validator(mode="after")
    def _planned(self) -> Self:
        if not self.layers and self.calendar_file is None:
            raise ValueError(
                "has neither layers nor a calendar_file, so that nobody is ever on call; add one"
            )
        return self


class TargetSettings(Section):
    """Whom to call: exactly one of the keys."""

    schedule: str = ""
    """Whoever is on call there."""
    team: str = ""
    """Every member."""
    person: str = ""
    """This person."""
    receiver: str = ""
    """A receiver of notifications as it is, for example a channel."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len([each for _, each in self.named()]) != 1:
            raise ValueError("must name one of schedule, team, person and receiver")
        return self

    def named(self) -> Iterator[tuple[TargetKind, str]]:
        """The kind and the name."""
        for kind in TARGET_KINDS:
            if name := getattr(self, kind):
                yield kind, name


class StepSettings(Section):
    """A step of an escalation."""

    after_seconds: float = Field(default=300, ge=0, le=7 * 86_400)
    """Seconds after the step before it (the first: after the beginning) if nobody has acknowledged; five minutes, in which a person wakes and looks."""
    call: Annotated[list[TargetSettings], Field(min_length=1, max_length=50)]
    """Whom to call, all at once."""


class PolicySettings(Section):
    """Whom to call one after another until somebody takes it on."""

    steps: Annotated[list[StepSettings], Field(min_length=1, max_length=20)]
    """Steps in order."""
    rounds: int = Field(default=3, ge=1, le=20)
    """How often all steps are gone through; three, after which more calls are noise."""
    repeat_after_seconds: float = Field(default=900, ge=1, le=7 * 86_400)
    """Seconds between the last step of a round and the first of the next."""
    last_resort: list[TargetSettings] = Field(default_factory=list)
    """Whom to call where a step finds nobody; that of `alerting.people` when empty."""
    receiver: str = ""
    """Receiver by which persons are called; that of the route when empty."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for number, step in enumerate(self.steps[1:], start=1):
            if step.after_seconds < 1:
                raise ValueError(
                    f"steps.{number}.after_seconds: must be at least 1; to call several at once, name them in one step"
                )
        return self


class DeadmanSettings(Section):
    """Who notices when the clock of escalation stands still."""

    url: Secret | None = None
    """Address that is called by GET while the clock turns; an outside watch there must expect the calls. None: nobody outside notices."""
    every_seconds: float = Field(default=60, ge=10, le=3600)
    """Seconds between two calls."""
    late_after_seconds: float = Field(default=30, ge=5, le=3600)
    """Seconds without a turn after which the alarm is raised; a turn takes one, a take-over by another worker ten."""
    receivers: list[str] = Field(default_factory=list)
    """Receivers of that alarm."""


class People(Section):
    """Teams, on-call schedules and escalation policies."""

    persons: dict[Identifier, PersonSettings] = Field(default_factory=dict)
    """Who can be called, by a short key."""
    teams: dict[Identifier, TeamSettings] = Field(default_factory=dict)
    """Who answers for something together, by key."""
    schedules: dict[Identifier, ScheduleSettings] = Field(default_factory=dict)
    """Who is on call when, by key."""
    policies: dict[Identifier, PolicySettings] = Field(default_factory=dict)
    """Who is called after whom, by key."""
    last_resort: list[TargetSettings] = Field(default_factory=list)
    """Whom to call where a step finds nobody and its policy says no more; a channel that many read."""
    deadman: DeadmanSettings = DeadmanSettings()

    @model_validator(mode="after")
    def _known(self) -> Self:
        check_names(tuple(self.names()), {kind: tuple(getattr(self, kind)) for kind in KINDS.values()})
        self._alike()
        return self

    def names(self) -> Iterator[Named]:
        """Every place that names a person, team, schedule or policy; receivers are known elsewhere."""
        for key, team in self.teams.items():
            for number, member in enumerate(team.members):
                yield Named(f"teams.{key}.members.{number}", "persons", member)
            if team.policy:
                yield Named(f"teams.{key}.policy", "policies", team.policy)
        for key, schedule in self.schedules.items():
            for place, layer in enumerate(schedule.layers):
                for number, person in enumerate(layer.order):
                    yield Named(f"schedules.{key}.layers.{place}.order.{number}", "persons", person)
        for path, target in self._targets():
            for kind, name in target.named():
                if kind != "receiver":
                    yield Named(f"{path}.{kind}", KINDS[kind], name)

    def receivers(self) -> Iterator[tuple[str, str]]:
        """Every place that names a receiver, with the name: for whoever knows which there are."""
        for path, target in self._targets():
            if target.receiver:
                yield f"{path}.receiver", target.receiver
        for key, policy in self.policies.items():
            if policy.receiver:
                yield f"policies.{key}.receiver", policy.receiver
        for number, name in enumerate(self.deadman.receivers):
            yield f"deadman.receivers.{number}", name

    def _targets(self) -> Iterator[tuple[str, TargetSettings]]:
        for key, policy in self.policies.items():
            for place, step in enumerate(policy.steps):
                for number, target in enumerate(step.call):
                    yield f"policies.{key}.steps.{place}.call.{number}", target
            for number, target in enumerate(policy.last_resort):
                yield f"policies.{key}.last_resort.{number}", target
        for number, target in enumerate(self.last_resort):
            yield f"last_resort.{number}", target

    def _alike(self) -> None:
        """Two persons of one e-mail address would both be meant by it, and none could be told from the other."""
        owners: dict[str, str] = {}
        for key, person in self.persons.items():
            other = owners.setdefault(person.email.casefold() or f"\0{key}", key)
            if other != key:
                raise ValueError(f"persons.{key}.email: is that of '{other}', too; give each their own")


KINDS = {"person": "persons", "team": "teams", "schedule": "schedules", "policy": "policies"}
