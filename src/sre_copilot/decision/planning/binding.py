"""What a service of the topology is called by executors, and which of their actions can be done to it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from sre_copilot.decision.planning.model import Estate
from sre_copilot.decision.planning.strategies import VERBS
from sre_copilot.domain.plan import ActionSpec, Target
from sre_copilot.settings.acting.actions import TargetBinding

SERVICE = "{service}"


def targets_of(service: str, estate: Estate) -> tuple[Target, ...]:
    """What a service is: entries that name it, else those whose pattern fits it; one executor and kind once, the first counts."""
    named = [each for each in estate.bindings if each.service == service]
    chosen = named or [each for each in estate.bindings if fnmatchcase(service, each.service)]
    found: dict[tuple[str, str], Target] = {}
    for each in chosen if service else ():
        found.setdefault((each.executor, each.kind), _target(each, service))
    return tuple(found.values())


def specs_for(strategy: str, target: Target, estate: Estate) -> Iterator[ActionSpec]:
    """Actions of the catalogue that carry a strategy out on a target, the preferred first."""
    for verb in VERBS.get(strategy, ()):
        spec = estate.specs.get(f"{target.executor}.{verb}")
        if spec is not None and target.kind in spec.kinds:
            yield spec


def actions_of(service: str, name: str, estate: Estate) -> tuple[Target, ...]:
    """The targets of a service to which an action of the catalogue can be done."""
    spec = estate.specs.get(name)
    executor = name.partition(".")[0]
    return tuple(
        each
        for each in targets_of(service, estate)
        if spec is not None and each.executor == executor and each.kind in spec.kinds
    )


def _target(binding: TargetBinding, service: str) -> Target:
    return Target(
        executor=binding.executor,
        kind=binding.kind,
        name=binding.name.replace(SERVICE, service),
        namespace=binding.namespace.replace(SERVICE, service),
        environment=binding.environment,
    )
