"""What nobody may do, whoever approves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sre_copilot.decision.environment import lies_in
from sre_copilot.decision.patterns import fits
from sre_copilot.decision.ruling import Ruling
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action
from sre_copilot.settings.acting.decision import BlackListEntry, EnvironmentClass


def black_listed(
    action: Action, entries: Sequence[BlackListEntry], known: Mapping[str, EnvironmentClass]
) -> Iterator[Ruling]:
    """What the black list says against an action; each entry that fits. `known` says what environments are."""
    for place, entry in enumerate(entries):
        if _meant(action, entry, known):
            params = (
                ("entry", place),
                ("action", action.name),
                ("target", action.target.key),
                ("because", entry.because),
            )
            yield Ruling(
                message=Message(key="decision.black_listed", params=params),
                forbidden=True,
            )


def _meant(action: Action, entry: BlackListEntry, known: Mapping[str, EnvironmentClass]) -> bool:
    target = action.target
    return (
        fits(action.name, entry.actions)
        and fits(target.key, entry.targets)
        and lies_in(target, entry.environments, known)
        and fits(target.namespace, entry.namespaces)
    )
