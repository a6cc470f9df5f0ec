"""The keys of `alerting.routing`: those of an Alertmanager configuration, with the same meaning, and `escalation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from sre_copilot.settings.section import Section


def _text(value: Any) -> Any:
    """A number or a truth value as the text that was meant: `match: {code: 500}`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _listed(value: Any) -> Any:
    """A single text as a list of one; nothing as an empty list."""
    return [] if value is None else [value] if isinstance(value, str) else value


def _mapped(value: Any) -> Any:
    """Nothing as an empty mapping."""
    return {} if value is None else value


def _entries(value: Any) -> Any:
    """Nothing as an empty list."""
    return [] if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[list[Text], BeforeValidator(_listed)]
Values = Annotated[dict[str, Text], BeforeValidator(_mapped)]
Empty = BeforeValidator(_entries)


class RouteSettings(Section):
    """A route: which alerts come into it, whom they reach, how they are grouped. What is absent is taken over from the route above; matchers and time intervals are not."""

    model_config = ConfigDict(populate_by_name=True)

    receiver: Text | None = None
    """Receiver that is told."""
    matchers: Texts = Field(default_factory=list)
    """Matchers that must all hold, such as `team="payments"` or `service=~"web|api"`."""
    match: Values = Field(default_factory=dict)
    """Labels and their values; older form of `matchers`."""
    match_re: Values = Field(default_factory=dict)
    """Labels and patterns (RE2) for the whole value; older form of `matchers`."""
    group_by: list[Text] | None = None
    """Labels whose values a group shares; `['...']`: all labels, each alert is a group; none: all alerts of the route are one group."""
    group_wait: Text | None = None
    """How long a new group waits for more before it is told; 30s at the root, in which the alerts of one fault arrive."""
    group_interval: Text | None = None
    """How long a group waits before it tells of changes; 5m at the root."""
    repeat_interval: Text | None = None
    """After how long what still fires is told again; 4h at the root."""
    mute_time_intervals: Texts = Field(default_factory=list)
    """Time intervals in which the route is quiet."""
    active_time_intervals: Texts = Field(default_factory=list)
    """Time intervals outside of which the route is quiet; none: it always speaks."""
    escalation: Text | None = None
    """Policy of `alerting.people.policies` by which people are called; '' for none."""
    labels: Values = Field(default_factory=dict)
    """Labels of the route as Alertmanager 0.34 knows them; read, and not used."""
    continue_: bool = Field(default=False, alias="continue")
    """Whether an alert that came in also goes on to the routes that follow."""
    routes: Annotated[list[RouteSettings], Empty] = Field(default_factory=list)
    """Routes below, in order; an alert goes into the first that it matches."""


class InhibitionSourceSettings(Section):
    """One of several sources of a rule."""

    matchers: Texts = Field(min_length=1)
    """Matchers of the alert that must fire."""
    equal: Texts = Field(default_factory=list)
    """Labels whose values must be the same on both sides."""


class InhibitionSettings(Section):
    """While an alert fires that matches the source, alerts that match the target and have the same values of `equal` are muted."""

    name: Text = ""
    """What people call the rule."""
    source_matchers: Texts = Field(default_factory=list)
    """Matchers of the alert that mutes."""
    source_match: Values = Field(default_factory=dict)
    """Older form of `source_matchers`."""
    source_match_re: Values = Field(default_factory=dict)
    """Older form of `source_matchers`, patterns."""
    sources: Annotated[list[InhibitionSourceSettings], Empty] = Field(default_factory=list)
    """Several sources that must all fire, each with its own `equal`; instead of the keys above and `equal`."""
    target_matchers: Texts = Field(default_factory=list)
    """Matchers of the alerts that are muted."""
    target_match: Values = Field(default_factory=dict)
    """Older form of `target_matchers`."""
    target_match_re: Values = Field(default_factory=dict)
    """Older form of `target_matchers`, patterns."""
    equal: Texts = Field(default_factory=list)
    """Labels whose values must be the same on both sides; one that is missing on both sides is the same."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        single = self.source_matchers or self.source_match or self.source_match_re or self.equal
        if self.sources and single:
            raise ValueError(
                "sources: stands beside source_matchers, source_match, source_match_re or equal; put these into an entry of sources"
            )
        return self


class TimeRangeSettings(Section):
    """A span of the day."""

    start_time: Text
    """`HH:MM`, from 00:00."""
    end_time: Text
    """`HH:MM`, up to 24:00; not part of it."""


class TimeSpanSettings(Section):
    """Times that fulfil all that is given."""

    times: list[TimeRangeSettings] | None = None
    """Spans of the day."""
    weekdays: list[Text] | None = None
    """`monday`, `saturday:sunday` …; weeks begin on Sunday."""
    days_of_month: list[Text] | None = None
    """`1`, `1:5`, `-1` (the last), `-3:-1` …"""
    months: list[Text] | None = None
    """`january`, `4:6` …"""
    years: list[Text] | None = None
    """`2026`, `2026:2028` …"""
    location: Text = "UTC"
    """Time zone of all these."""


class TimeIntervalSettings(Section):
    """Times with a name."""

    name: Text = Field(min_length=1)
    """What routes call it."""
    time_intervals: Annotated[list[TimeSpanSettings], Empty] = Field(default_factory=list)
    """It is active while any of these holds."""


class Routing(Section):
    """Whom alerts reach: the routing tree, inhibition, time intervals. All in the form of Alertmanager, here or in a file of its own."""

    alertmanager_file: Path | None = None
    """An Alertmanager configuration to be used instead of the keys below (its routes, inhibition rules, time intervals and names of receivers)."""
    route: RouteSettings | None = None
    """The root, which takes every alert; without one, all alerts are grouped by their name, and nobody is told."""
    inhibit_rules: Annotated[list[InhibitionSettings], Empty] = Field(default_factory=list)
    """Which alerts mute which."""
    time_intervals: Annotated[list[TimeIntervalSettings], Empty] = Field(default_factory=list)
    """Times with names, for routes."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.alertmanager_file and (self.route or self.inhibit_rules or self.time_intervals):
            raise ValueError(
                "alertmanager_file: stands beside route, inhibit_rules or time_intervals; keep one of the two"
            )
        return self
