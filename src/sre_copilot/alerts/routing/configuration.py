"""What a configuration of routing says: the tree, the rules of inhibition, the time intervals; or everything that is wrong with it, each with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import re2  # type: ignore[import-untyped]

from sre_copilot.alerts.inhibition import InhibitionRule, InhibitionSource
from sre_copilot.alerts.matchers import Matcher, equal_matchers, parse_matchers, regex_matchers
from sre_copilot.alerts.routing.document import Path
from sre_copilot.alerts.routing.durations import seconds
from sre_copilot.alerts.routing.interval_text import interval_of
from sre_copilot.alerts.routing.time_intervals import TimeInterval, TimeIntervals
from sre_copilot.alerts.routing.tree import ALL_LABELS, RouteConfig, RouteTree
from sre_copilot.errors import UsageError
from sre_copilot.settings.alerting.routing import (
    InhibitionSettings,
    InhibitionSourceSettings,
    RouteSettings,
    TimeIntervalSettings,
)

_CLASSIC_NAME = re2.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
WAITS = ("group_wait", "group_interval", "repeat_interval")


@dataclass(frozen=True, slots=True)
class Remark:
    """A place of a configuration and what is to be said of it: what is wrong, or what is not taken over."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Routing, ready for use; `remarks` say what stands in the configuration and has no effect, or one that is hardly meant."""

    routes: RouteTree
    rules: tuple[InhibitionRule, ...] = ()
    intervals: TimeIntervals
    receivers: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Reader:
    """Turns settings into parts of routing, and collects what is wrong on the way.

    `receivers`, `policies` None: not known here, nothing is held against them.
    """

    def __init__(self, *, receivers: Collection[str] | None, policies: Collection[str] | None) -> None:
        self.problems: list[Remark] = []
        self.remarks: list[Remark] = []
        self._receivers = receivers
        self._policies = policies
        self._intervals: dict[str, tuple[TimeInterval, ...]] = {}

    def intervals(self, given: Iterable[TimeIntervalSettings], path: Path) -> None:
        """Read named intervals; the names count for the routes that are read afterwards."""
        for place, each in enumerate(given):
            here = (*path, place)
            if each.name in self._intervals:
                self._wrong(
                    (*here, "name"), f"{each.name!r} stands twice; give each interval a name of its own"
                )
            spans = []
            for number, span in enumerate(each.time_intervals):
                try:
                    spans.append(interval_of(span))
                except UsageError as error:
                    self._wrong((*here, "time_intervals", number), str(error))
            self._intervals[each.name] = tuple(spans)

    def named_intervals(self) -> TimeIntervals:
        """All that were read."""
        return TimeIntervals(self._intervals)

    def root(self, given: RouteSettings, path: Path) -> RouteConfig:
        """Read the root, which must take every alert at any time, and all below it."""
        if not given.receiver:
            self._wrong(
                (*path, "receiver"),
                "is missing; the root route must name who is told of what fits no other route",
            )
        for name in ("matchers", "match", "match_re", "mute_time_intervals", "active_time_intervals"):
            if getattr(given, name):
                self._wrong(
                    (*path, name),
                    "cannot stand at the root route, which takes every alert; put it into a route below",
                )
        if given.continue_:
            self._wrong((*path, "continue"), "cannot stand at the root route; nothing follows it")
        return self.route(given, path)

    def route(self, given: RouteSettings, path: Path) -> RouteConfig:
        """Read a route and all below it."""
        if given.receiver and self._receivers is not None and given.receiver not in self._receivers:
            self._wrong((*path, "receiver"), _unknown("receiver", given.receiver, self._receivers))
        if given.escalation and self._policies is not None and given.escalation not in self._policies:
            self._wrong(
                (*path, "escalation"), _unknown("escalation policy", given.escalation, self._policies)
            )
        if given.labels:
            self.remarks.append(
                Remark(
                    (*path, "labels"), "labels of a route are not taken over; nothing here is told by them"
                )
            )
        waits = self._waits(given, path)
        return RouteConfig(
            receiver=given.receiver or None,
            matchers=self._matchers(given.matchers, given.match, given.match_re, path, ""),
            group_by=self._group_by(given, path),
            group_wait_s=waits["group_wait"],
            group_interval_s=waits["group_interval"],
            repeat_interval_s=waits["repeat_interval"],
            mute_time_intervals=self._known_intervals(
                given.mute_time_intervals, (*path, "mute_time_intervals")
            ),
            active_time_intervals=self._known_intervals(
                given.active_time_intervals, (*path, "active_time_intervals")
            ),
            escalation=given.escalation,
            continues=given.continue_,
            routes=tuple(self.route(each, (*path, "routes", n)) for n, each in enumerate(given.routes)),
        )

    def rules(self, given: Iterable[InhibitionSettings], path: Path) -> tuple[InhibitionRule, ...]:
        """Read the rules of inhibition."""
        return tuple(self._rule(each, (*path, place)) for place, each in enumerate(given))

    def _rule(self, given: InhibitionSettings, path: Path) -> InhibitionRule:
        targets = self._matchers(
            given.target_matchers, given.target_match, given.target_match_re, path, "target_"
        )
        if given.sources:
            sources = tuple(
                self._source(each, (*path, "sources", place)) for place, each in enumerate(given.sources)
            )
        else:
            matchers = self._matchers(
                given.source_matchers, given.source_match, given.source_match_re, path, "source_"
            )
            sources = (InhibitionSource(matchers=matchers, equal=self._equal(given.equal, path)),)
        return InhibitionRule(name=given.name, targets=targets, sources=sources)

    def _source(self, given: InhibitionSourceSettings, path: Path) -> InhibitionSource:
        matchers = self._matchers(given.matchers, {}, {}, path, "")
        if matchers and all(each.accepts_empty for each in matchers):
            self._wrong(
                (*path, "matchers"),
                "at least one must not match the empty string, or every alert would mute; add one with a value",
            )
        return InhibitionSource(matchers=matchers, equal=self._equal(given.equal, path))

    def _equal(self, names: list[str], path: Path) -> tuple[str, ...]:
        if not all(names):
            self._wrong((*path, "equal"), "holds an empty name; a label has one")
        return tuple(sorted(set(names)))

    def _matchers(
        self,
        texts: list[str],
        values: Mapping[str, str],
        patterns: Mapping[str, str],
        path: Path,
        prefix: str,
    ) -> tuple[Matcher, ...]:
        """The matchers of the newer key and the two older ones together."""
        found: list[Matcher] = []
        for name in (*values, *patterns):
            if not _CLASSIC_NAME.fullmatch(name):
                key = f"{prefix}match" if name in values else f"{prefix}match_re"
                self._wrong(
                    (*path, key, name),
                    f"{name!r} is no label name here; write it under {prefix}matchers, in quotes",
                )
        found += equal_matchers(values)
        for name, pattern in patterns.items():
            try:
                found += regex_matchers({name: pattern})
            except UsageError as error:
                self._wrong((*path, f"{prefix}match_re", name), str(error))
        for place, text in enumerate(texts):
            try:
                found += parse_matchers(text)
            except UsageError as error:
                self._wrong((*path, f"{prefix}matchers", place), str(error))
        return tuple(found)

    def _group_by(self, given: RouteSettings, path: Path) -> tuple[str, ...] | None:
        names = given.group_by
        if names is None:
            return None
        if ALL_LABELS in names and len(set(names)) > 1:
            self._wrong(
                (*path, "group_by"),
                "names '...', which is all labels, and others beside it; keep one of the two",
            )
        if not all(names):
            self._wrong((*path, "group_by"), "holds an empty name; a label has one")
        for name in sorted({each for each in names if names.count(each) > 1}):
            self._wrong((*path, "group_by"), f"names {name!r} twice; take one out")
        return tuple(names)

    def _waits(self, given: RouteSettings, path: Path) -> dict[str, float | None]:
        found: dict[str, float | None] = dict.fromkeys(WAITS)
        for name in WAITS:
            text = getattr(given, name)
            try:
                found[name] = None if text is None else seconds(text)
            except UsageError as error:
                self._wrong((*path, name), str(error))
            if found[name] == 0 and name != "group_wait":
                self._wrong((*path, name), "cannot be zero; write one such as 5m")
        return found

    def _known_intervals(self, names: list[str], path: Path) -> tuple[str, ...]:
        for place, name in enumerate(names):
            if name not in self._intervals:
                self._wrong((*path, place), _unknown("time interval", name, self._intervals))
        return tuple(names)

    def _wrong(self, path: Path, text: str) -> None:
        self.problems.append(Remark(path, text))


def hasty(routes: RouteTree) -> tuple[str, ...]:
    """Routes that would repeat what they tell more often than they look at their groups."""
    return tuple(
        f"route {route.id}: repeat_interval is shorter than group_interval, so it repeats at each group_interval"
        for route in routes.root.walk()
        if route.repeat_interval_s < route.group_interval_s
    )


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    there = f"there are {', '.join(sorted(known)[:20])}" if known else "there are none"
    return f"there is no {kind} {name!r}; " + (f"did you mean {near[0]!r}?" if near else there)
