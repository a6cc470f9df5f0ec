"""The tests of a file of policies, and remarks on what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sre_copilot.decision.assess import Rulebook, assess
from sre_copilot.decision.patterns import fits
from sre_copilot.decision.policy.matching import fitting
from sre_copilot.decision.policy.model import Given, Policy, PolicyTest, level_of
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.record import Standing
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, Record, Risk, RiskLevel, Target
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.acting.decision import Risk as RiskSettings

NOON = 1_767_787_200.0
"""2026-01-07 12:00 UTC, a Wednesday: when a test is, that does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a test: `risk` and the names of the rules that fitted; `wrong` holds (what, expected, found) where it came otherwise."""

    test: PolicyTest
    risk: Risk
    fitted: tuple[str, ...]
    wrong: tuple[tuple[str, str, str], ...]

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.wrong


def try_all(policies: Policies) -> tuple[Tried, ...]:
    """Run all tests of a file against its own rules.

    They are judged with the defaults of `risk` and `decision` and autonomy switched on, so that a file means the same on every machine.
    """
    rules = Rulebook(risk=RiskSettings(auto_remediation_enabled=True), policies=policies)
    return tuple(_tried(test, rules) for test in policies.tests)


@dataclass(frozen=True, slots=True)
class Offered:
    """What the configured executors can do: names of their actions, and which kinds of target each takes."""

    specs: tuple[ActionSpec, ...]

    def has_action(self, pattern: str) -> bool:
        """Whether there is an action that a pattern means."""
        return any(fits(each.name, (pattern,)) for each in self.specs)

    def has_target(self, pattern: str) -> bool:
        """Whether an executor has targets that a pattern of keys (`executor/namespace/kind/name`) can mean; names and namespaces are not known here."""
        parts = pattern.split("/")
        if len(parts) != 4:  # a star may stand for any number of parts
            return any(_may_begin(f"{each.name.partition('.')[0]}/", pattern) for each in self.specs)
        return any(
            fits(each.name.partition(".")[0], (parts[0],)) and any(fits(kind, (parts[2],)) for kind in each.kinds)
            for each in self.specs
        )  # fmt: skip


def remarks(
    policies: Policies, *, offered: Offered | None = None, place: str = "file"
) -> Iterator[tuple[str, Message]]:
    """What is probably not meant, each with its place: rules that no test meets or that ask for the same, actions and targets that no executor (`offered`, if known) has."""
    met = {name for each in try_all(policies) for name in each.fitted}
    for number, (rule, where) in enumerate(zip(policies.rules, policies.places, strict=True)):
        name = ("policy", rule.name)
        if rule.name not in met:
            yield where, Message(key="decision.lint.untested", params=(name,))
        for other in policies.rules[:number]:
            if (rule.when, rule.effect, rule.mode) == (other.when, other.effect, other.mode):
                yield where, Message(key="decision.lint.same", params=(name, ("other", other.name)))
        if offered is not None:
            yield from ((where, each) for each in _not_offered(rule, offered))
    if not policies.rules:
        yield place, Message(key="decision.lint.empty")


def _not_offered(rule: Policy, offered: Offered) -> Iterator[Message]:
    name = ("policy", rule.name)
    for pattern in rule.when.actions:
        if not offered.has_action(pattern):
            yield Message(key="decision.lint.unknown_action", params=(name, ("action", pattern)))
    for pattern in rule.when.targets:
        if not offered.has_target(pattern):
            yield Message(key="decision.lint.unknown_target", params=(name, ("target", pattern)))


def _may_begin(prefix: str, pattern: str) -> bool:
    """Whether something that begins so can fit a pattern: up to its first star it says how."""
    head = pattern.casefold().partition("*")[0].partition("?")[0].partition("[")[0]
    return prefix.casefold().startswith(head) or head.startswith(prefix.casefold())


def situation_of(given: Given) -> ActionSituation:
    """The situation that a test describes."""
    executor, namespace, kind, name = given.target.split("/", 3)
    level = level_of(given.level)
    reversible = level <= RiskLevel.MEDIUM if given.reversible is None else given.reversible
    spec = ActionSpec(
        name=given.action,
        level=level,
        parameters={},
        kinds=(kind,),
        does=Message(key=f"risk.kind.{given.level}"),
        reversible=reversible,
        exactly_once=given.exactly_once,
        data_loss=given.data_loss,
    )
    target = Target(
        executor=executor, kind=kind, name=name, namespace=namespace, environment=given.environment
    )
    return ActionSituation(
        action=Action(name=given.action, target=target),
        spec=spec,
        confidence=given.confidence,
        inconclusive=given.inconclusive,
        standing=Standing(
            record=Record(good=given.good, total=given.total), since_failure=given.since_failure
        ),
        service=given.service,
        topology=Topology.of(given.calls),
        rates=given.rates,
        labels=given.labels,
        fault_type=given.fault,
    )


def _tried(test: PolicyTest, rules: Rulebook) -> Tried:
    situation = situation_of(test.given)
    now = test.given.at.timestamp() if test.given.at else NOON
    fitted = tuple(each.name for each in fitting(rules.policies.rules, situation, now))
    risk = assess(situation, rules=rules, now=now)
    return Tried(test=test, risk=risk, fitted=fitted, wrong=tuple(_wrong(test, risk, fitted)))


def _wrong(test: PolicyTest, risk: Risk, fitted: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    expect = test.expect
    found = (
        ("mode", expect.mode, risk.mode.name.lower()),
        ("four_eyes", expect.four_eyes, risk.four_eyes),
        ("forbidden", expect.forbidden, risk.forbidden),
        ("policies", None if expect.policies is None else sorted(expect.policies), sorted(fitted)),
    )
    for name, wanted, got in found:
        if wanted is not None and wanted != got:
            yield name, _words(wanted), _words(got)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower()
