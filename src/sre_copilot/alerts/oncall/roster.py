"""Everybody who can be called, by schedule, team and name; and whom a page calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sre_copilot.alerts.escalation import Page, Policy, Step, Target
from sre_copilot.alerts.oncall.people import Override, Person, Team
from sre_copilot.alerts.oncall.schedule import Schedule
from sre_copilot.domain.evidence import Message

Found = tuple[tuple[Person, ...], tuple[str, ...], tuple[Message, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Whom a page calls at a moment: persons, and receivers as they are; `messages` say who was not found, and that it came late."""

    page: Page
    people: tuple[Person, ...]
    receivers: tuple[str, ...]
    last_resort: bool
    messages: tuple[Message, ...]

    @property
    def nobody(self) -> bool:
        """Whether there is nobody to call, not even the last resort."""
        return not (self.people or self.receivers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """People, teams, schedules and policies by their ids; `last_resort` is for policies that have none of their own."""

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    last_resort: tuple[Target, ...] = ()

    def policy(self, identifier: str) -> Policy:
        """A policy; one that the configuration no longer has is a single step that calls the last resort, so that what is under way is not forgotten."""
        found = self.policies.get(identifier)
        return found or Policy(id=identifier, steps=(Step(after_s=0.0, targets=self.last_resort),))

    def with_overrides(self, overrides: Sequence[Override]) -> Roster:
        """The same roster with these overrides."""
        changed = {name: each.with_overrides(overrides) for name, each in self.schedules.items()}
        return replace(self, schedules=changed)

    def call(self, page: Page, policy: Policy, at: float) -> Call:
        """Whom a page calls at `at`: everybody whom its targets find, each once; the last resort where they find nobody."""
        people, receivers, said = self.found(page.targets, at)
        resort = not people and not receivers
        if resort:
            people, receivers, more = self.found(policy.last_resort or self.last_resort, at)
            called = ", ".join([*(each.name for each in people), *receivers])
            key = "people.last_resort" if called else "people.nobody_at_all"
            said = (*said, *more, Message(key=key, params=(("called", called),) if called else ()))
        late = (
            (Message(key="people.page.late", params=(("seconds", round(page.late_s)),)),)
            if page.late_s
            else ()
        )
        return Call(
            page=page, people=people, receivers=receivers, last_resort=resort, messages=(*late, *said)
        )

    def found(self, targets: Sequence[Target], at: float) -> Found:
        """The persons and receivers behind targets, each once, and what is to be said of targets that stand for nobody."""
        people: dict[str, Person] = {}
        receivers: dict[str, None] = {}
        said: list[Message] = []
        for target in targets:
            if target.kind == "receiver":
                receivers[target.name] = None
                continue
            ids, problem = self._persons(target, at)
            known = {each: self.people[each] for each in ids if each in self.people}
            people.update(known)
            if not known:
                said.append(problem)
        return tuple(people.values()), tuple(receivers), tuple(said)

    def _persons(self, target: Target, at: float) -> tuple[tuple[str, ...], Message]:
        """Ids behind a target, and what is to be said where they are none."""
        name = (("name", target.name),)
        unknown = Message(key=f"people.unknown_{target.kind}", params=name)
        if target.kind == "schedule" and target.name in self.schedules:
            on_call = self.schedules[target.name].on_call(at)
            nobody = Message(key="people.nobody_on_call", params=(("schedule", target.name), ("since", at)))
            return tuple(each.person for each in on_call), nobody
        if target.kind == "team" and target.name in self.teams:
            return self.teams[target.name].members, unknown
        return (target.name,) if target.kind == "person" else (), unknown


def page_message(call: Call) -> Message:
    """The sentence of the timeline for a page."""
    page = call.page
    whom = ", ".join([*(each.name for each in call.people), *call.receivers])
    if not whom:
        return Message(key="people.page.nobody", params=(("step", page.step), ("round", page.round)))
    params = (
        ("step", page.step),
        ("steps", page.steps),
        ("round", page.round),
        ("rounds", page.rounds),
        ("whom", whom),
    )
    return Message(key="people.page.step", params=params)
