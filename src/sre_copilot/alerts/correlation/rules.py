"""What an incident of certain alerts needs before it wakes anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sre_copilot.settings.alerting.correlation import Correlation, Rule

DEFAULT_RULE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """A rule with its defaults filled in; times in seconds."""

    name: str
    match: tuple[tuple[str, str], ...]
    window_s: float
    alerts: int
    kinds: int
    purity: float
    worth: float

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it is the rule of an alert."""
        return all(labels.get(name) == value for name, value in self.match)


def rules_of(settings: Correlation) -> tuple[Needs, ...]:
    """All rules in their order, the default last."""
    return tuple(_needs(each, settings) for each in (*settings.rules, Rule(name=DEFAULT_RULE)))


def rule_of(labels: Mapping[str, str], rules: tuple[Needs, ...]) -> Needs:
    """The first rule that matches; the last matches everything."""
    return next(each for each in rules if each.matches(labels))


def _needs(rule: Rule, settings: Correlation) -> Needs:
    return Needs(
        name=rule.name,
        match=tuple(rule.match.items()),
        window_s=settings.window_seconds if rule.window_seconds is None else rule.window_seconds,
        alerts=rule.minimum_alerts,
        kinds=rule.minimum_kinds,
        purity=rule.minimum_purity,
        worth=settings.minimum_worth if rule.minimum_worth is None else rule.minimum_worth,
    )
