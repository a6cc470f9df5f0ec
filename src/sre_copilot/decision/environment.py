"""What an environment is by its name; one that nobody knows is production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from sre_copilot.decision.patterns import fits
from sre_copilot.domain.plan import Target
from sre_copilot.settings.acting.decision import EnvironmentClass

PRODUCTION: EnvironmentClass = "production"
USUAL: Mapping[EnvironmentClass, frozenset[str]] = {
    "staging": frozenset({"staging", "stage", "stg", "preproduction", "preprod", "pre-production", "uat"}),
    "test": frozenset({"test", "testing", "tst", "qa", "sit", "ci", "lab"}),
    "development": frozenset({"development", "dev", "local", "sandbox"}),
}
"""Names that are usual; whatever else there is counts as production."""
VALUES: Mapping[EnvironmentClass, float] = {
    "production": 1.0,
    "staging": 0.4,  # no customer is there, but a release waits for it
    "test": 0.1,
    "development": 0.05,
}
"""How much is at stake, 0..1."""


def environment_of(target: Target) -> str:
    """What a target says of itself, `production` where it says nothing."""
    return target.environment or PRODUCTION


def class_of(target: Target, known: Mapping[str, EnvironmentClass]) -> EnvironmentClass:
    """What the environment of a target is; `known` are patterns of the configuration, the first that fits counts."""
    name = environment_of(target).casefold()
    for pattern, meant in known.items():
        if fnmatchcase(name, pattern.casefold()):
            return meant
    return next((each for each, names in USUAL.items() if name in names), PRODUCTION)


def lies_in(target: Target, patterns: Sequence[str], known: Mapping[str, EnvironmentClass]) -> bool:
    """Whether a target is meant by patterns of environments: by its name, or by what that is, so that `production` also means `prod`, `live-eu` and what nobody knows."""
    return fits(environment_of(target), patterns) or fits(class_of(target, known), patterns)
