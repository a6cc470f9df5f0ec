"""The roster that a configuration describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from zoneinfo import ZoneInfo

from sre_copilot.alerts.escalation import Policy, Step, Target
from sre_copilot.alerts.oncall.calendar import Calendar, read_calendar
from sre_copilot.alerts.oncall.people import ADDRESS_KINDS, Override, Person, Team
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.alerts.oncall.rotation import Restriction, Rotation
from sre_copilot.alerts.oncall.schedule import Layer, Schedule
from sre_copilot.settings.alerting.people import (
    WEEKDAYS,
    LayerSettings,
    People,
    PersonSettings,
    PolicySettings,
    RestrictionSettings,
    ScheduleSettings,
    TargetSettings,
)


def roster(
    settings: People, *, calendars: Mapping[str, bytes] | None = None, overrides: Sequence[Override] = ()
) -> Roster:
    """Everybody who can be called. `calendars` are the contents of the calendar files by schedule.

    Raises
    ------
    UsageError : when a calendar cannot be read; names the file and the event
    """
    people = {key: person(key, each) for key, each in settings.persons.items()}
    found = {
        key: schedule(key, each, people, (calendars or {}).get(key))
        for key, each in settings.schedules.items()
    }
    return Roster(
        people=people,
        teams={
            key: Team(id=key, name=each.name or key, members=tuple(each.members), policy=each.policy)
            for key, each in settings.teams.items()
        },
        schedules=found,
        policies={key: policy(key, each) for key, each in settings.policies.items()},
        last_resort=_targets(settings.last_resort),
    ).with_overrides(overrides)


def person(key: str, settings: PersonSettings) -> Person:
    """A person of the configuration."""
    addresses = {kind: value for kind in ADDRESS_KINDS if (value := getattr(settings, kind))}
    return Person(
        id=key,
        name=settings.name or key,
        addresses=addresses,
        language=settings.language,
        time_zone=settings.time_zone,
    )


def schedule(
    key: str, settings: ScheduleSettings, people: Mapping[str, Person], calendar: bytes | None
) -> Schedule:
    """A schedule of the configuration, with its calendar when there is one."""
    zone = ZoneInfo(settings.time_zone)
    layers: list[Layer] = [
        _rotation(each, zone, each.name or f"layer {number}")
        for number, each in enumerate(settings.layers, start=1)
    ]
    if calendar is not None:
        layers.append(_calendar(key, settings, people, calendar, zone))
    return Schedule(id=key, name=settings.name or key, time_zone=settings.time_zone, layers=tuple(layers))


def policy(key: str, settings: PolicySettings) -> Policy:
    """An escalation policy of the configuration."""
    steps = tuple(Step(after_s=each.after_seconds, targets=_targets(each.call)) for each in settings.steps)
    return Policy(
        id=key,
        steps=steps,
        rounds=settings.rounds,
        repeat_after_s=settings.repeat_after_seconds,
        last_resort=_targets(settings.last_resort),
        receiver=settings.receiver,
    )


def _calendar(
    key: str, settings: ScheduleSettings, people: Mapping[str, Person], content: bytes, zone: ZoneInfo
) -> Calendar:
    file = settings.calendar_file
    place = f"alerting.people.schedules.{key}.calendar_file ({file.name if file else 'calendar'})"
    return read_calendar(
        content, place=place, people=people, zone=zone, name="calendar", priority=settings.calendar_priority
    )


def _rotation(settings: LayerSettings, zone: ZoneInfo, name: str) -> Rotation:
    return Rotation(
        name=name,
        every=settings.every,
        order=tuple(settings.order),
        start=settings.start,
        until=settings.until,
        zone=zone,
        length=settings.length,
        hand_over=time.fromisoformat(settings.hand_over),
        weekday=WEEKDAYS.index(settings.weekday),
        restrictions=tuple(map(_restriction, settings.restrictions)),
        priority=settings.priority,
    )


def _restriction(settings: RestrictionSettings) -> Restriction:
    return Restriction(
        days=tuple(WEEKDAYS.index(day) for day in settings.days),
        start_s=_seconds(settings.start),
        end_s=_seconds(settings.end),
    )


def _seconds(time_of_day: str) -> int:
    hours, minutes = map(int, time_of_day.split(":"))
    return hours * 3600 + minutes * 60


def _targets(settings: Sequence[TargetSettings]) -> tuple[Target, ...]:
    return tuple(Target(kind=kind, name=name) for each in settings for kind, name in each.named())
