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


def service_of(target: Target, estate: Estate, *, first: str = "") -> str:
    """What the topology calls a target; '' where nobody knows.

    An entry that names a service says more than one with a pattern; among equals `first`, the culprit, comes first.
    """
    named = [each.service for each in estate.bindings if not is_pattern(each.service)]
    read = [_read(each, target) for each in estate.bindings if is_pattern(each.service)]
    ordered = (*(each for each in named if each == first), *named, first, *read)
    return next((each for each in ordered if _is_bound(each, target, estate)), "")


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


def _is_bound(service: str, target: Target, estate: Estate) -> bool:
    """By the key: the environment is no part of what a target is."""
    return bool(service) and target.key in {each.key for each in targets_of(service, estate)}


def is_pattern(service: str) -> bool:
    """Whether an entry of `actions.targets` stands for services that it does not name."""
    return any(each in service for each in "*?[")


def _read(binding: TargetBinding, target: Target) -> str:
    """The service out of the name, or the namespace, of a target that a pattern made; '' where it holds none."""
    for made, found in ((binding.name, target.name), (binding.namespace, target.namespace)):
        before, place, after = made.partition(SERVICE)
        if place and found.startswith(before) and found.endswith(after):
            return found[len(before) : len(found) - len(after)]
    return ""


def _target(binding: TargetBinding, service: str) -> Target:
    return Target(
        executor=binding.executor,
        kind=binding.kind,
        name=binding.name.replace(SERVICE, service),
        namespace=binding.namespace.replace(SERVICE, service),
        environment=binding.environment,
    )
