"""What to think of before anything begins by itself: test first, low risk first, one action after another, and a look at the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.decision.environment import PRODUCTION, class_of, lies_in
from sre_copilot.decision.patterns import fits
from sre_copilot.domain.plan import ActionSpec, RiskLevel, Target
from sre_copilot.settings.acting.actions import TargetBinding
from sre_copilot.settings.acting.decision import AutonomousAction
from sre_copilot.settings.document import Settings

SHOWN = 5  # actions in a sentence: more is a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an entry of `decision.autonomy.actions` lets act by itself: actions of the catalogue, and the environments of the targets that they fit."""

    specs: tuple[ActionSpec, ...]
    environments: frozenset[str]


def check_autonomy(settings: Settings) -> tuple[str, ...]:
    """Advice on what the configuration lets begin by itself; nothing is asked of any system.

    Raises
    ------
    SettingsError : when an executor cannot be made
    """
    entries = settings.decision.autonomy.actions
    if not settings.risk.auto_remediation_enabled:
        return (_off(len(entries)),) if entries else ()
    catalogue = open_catalogue(settings.actions.executors)
    reaches = [_reach(each, settings, catalogue.specs) for each in entries]
    return (_on(), *_untried(reaches), *_advice(entries, reaches))


def _off(count: int) -> str:
    return f"decision.autonomy.actions: {count} named, and none begins by itself, for risk.auto_remediation_enabled is off"


def _on() -> str:
    return (
        "risk.auto_remediation_enabled: what decision.autonomy or a policy names, and what has a record, begins without a person; look regularly at `sre-copilot audit list`, "
        "`sre-copilot stats` and `sre-copilot plan list` (the page “Let it act”, “Begin small”)"
    )


def _untried(reaches: Sequence[Reach]) -> Iterator[str]:
    everywhere = {name for each in reaches for name in each.environments}
    if everywhere == {PRODUCTION}:
        yield "decision.autonomy.actions: all targets that they fit are of production; let them act in a test environment first, and in production when they have a record there"


def _advice(entries: Sequence[AutonomousAction], reaches: Sequence[Reach]) -> Iterator[str]:
    for number, (entry, reach) in enumerate(zip(entries, reaches, strict=True)):
        place = f"decision.autonomy.actions[{number}]"
        if not reach.specs:
            yield f"{place}.action: {entry.action!r} fits no action of actions.executors, so that it lets nothing begin by itself"
        if len(reach.specs) > 1 and "*" in entry.action:
            yield f"{place}.action: {entry.action!r} stands for {_some(reach.specs)}; name one, the least risky, and the next when that one has a record"
        if risky := [each for each in reach.specs if each.level >= RiskLevel.HIGH]:
            yield f"{place}.action: {_some(risky)} cannot be undone or needs two people, and always waits for a person; begin with what can be undone"
        if not entry.minimum_cases and PRODUCTION in reach.environments:
            yield f"{place}.minimum_cases: is 0, so that it acts in production without ever having helped; leave that to a laboratory"


def _reach(entry: AutonomousAction, settings: Settings, specs: Sequence[ActionSpec]) -> Reach:
    known = settings.decision.environments
    named = tuple(each for each in specs if fits(each.name, (entry.action,)))
    targets = [_target(each) for each in settings.actions.targets if _takes(each, named)]
    met = frozenset(
        str(class_of(each, known)) for each in targets if lies_in(each, entry.environments, known)
    )
    return Reach(specs=named, environments=met)


def _takes(binding: TargetBinding, specs: Sequence[ActionSpec]) -> bool:
    return any(
        each.name.partition(".")[0] == binding.executor and binding.kind in each.kinds for each in specs
    )


def _target(binding: TargetBinding) -> Target:
    return Target(
        executor=binding.executor,
        kind=binding.kind,
        name=binding.name,
        namespace=binding.namespace,
        environment=binding.environment,
    )


def _some(specs: Sequence[ActionSpec]) -> str:
    names = [each.name for each in specs]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
