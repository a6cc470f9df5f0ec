"""The sentences of findings: with the number that was verified, and each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sre_copilot.domain.evidence import Finding, Message
from sre_copilot.incidents.report.words import LANGUAGES, say

TYPICAL = ("mean", "median", "last")  # aggregates that tell a level, as `value` does
NEAR = 0.25  # farther apart the two are different statistics, and both stand

Observed = Mapping[str, tuple[float | None, ...]]


def told(finding: Finding, observed: Observed) -> Message:
    """Return the sentence of a finding; its `value` is the one that its first check evaluated to where both mean the same."""
    params = dict(finding.params)
    value, check = params.get("value"), finding.checks[0] if finding.checks else None
    verified = next(iter(observed.get(finding.id, ())), None)
    if check is None or verified is None or not isinstance(value, (int, float)):
        return finding.message
    same = check.combine == "value" and check.aggregate in TYPICAL and check.query.origin == "incident"
    if not same or not abs(verified - value) <= NEAR * abs(verified):
        return finding.message
    return Message(
        key=finding.kind, params=(("entity", finding.entity), *{**params, "value": verified}.items())
    )


def groups(findings: Iterable[Finding], observed: Observed) -> list[list[Finding]]:
    """Join findings that say the same in every language, in the order of the first of each."""
    found: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        message = told(finding, observed)
        found.setdefault(tuple(say(message, lang) for lang in LANGUAGES), []).append(finding)
    return list(found.values())
