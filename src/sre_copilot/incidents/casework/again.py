"""When an incident is investigated again: what of the evidence changed so much that the last answer may no longer be the right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.domain.alert import SEVERITIES
from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.casework.picture import Picture

EARLIER_S = 120.0  # an onset is known to a minute or two; what began longer before was not looked at as part of the fault


def again(
    before: Picture, now: Picture, concluded: Mapping[str, Any], *, sure: float = 0.0
) -> tuple[Message, ...]:
    """Why an incident is to be investigated again; nothing when the last answer stands.

    Parameters
    ----------
    before : the incident as the last investigation knew it
    now : as it is now
    concluded : what that investigation concluded: `outcome`, `cause`, `confidence`; `helpless` where nothing can be done against what it named, `resting` where another plan has to show first what it did
    sure : probability below which an answer, or one that nothing can be done about, is sought once more; 0 leaves every answer as it is
    """
    return (*_changed(before, now), *_contradicted(before, now, concluded), *_unsure(now, concluded, sure))


def _changed(before: Picture, now: Picture) -> Iterator[Message]:
    services = [each for each in now.services if each not in before.services]
    if services:
        yield _message("casework.again.service", services=", ".join(services))
    names = [each for each in now.names if each not in before.names]
    if names:
        yield _message("casework.again.kind", names=", ".join(names))
    if SEVERITIES.index(now.severity) < SEVERITIES.index(before.severity):
        yield _message("casework.again.severity", before=before.severity, now=now.severity)
    if now.started_at < before.started_at - EARLIER_S:
        yield _message("casework.again.earlier", since=now.started_at)


def _contradicted(before: Picture, now: Picture, concluded: Mapping[str, Any]) -> Iterator[Message]:
    """What speaks against the last answer itself."""
    outcome, cause = concluded.get("outcome", ""), concluded.get("cause", "")
    if outcome == "failed":
        yield _message("casework.again.failed")
    known = {each.fingerprint for each in before.alerts}
    if outcome == "no_fault" and any(each.firing and each.fingerprint not in known for each in now.alerts):
        yield _message("casework.again.no_fault")
    if cause and before.firing.get(cause) and now.firing and not now.firing.get(cause):
        yield _message("casework.again.cause", cause=cause)


def _unsure(now: Picture, concluded: Mapping[str, Any], sure: float) -> Iterator[Message]:
    """Nothing changed but the time: what goes on shows more the longer it does."""
    outcome, confidence = concluded.get("outcome", ""), float(concluded.get("confidence", 0.0))
    if now.firing and outcome == "fault" and concluded.get("resting"):
        yield _message("casework.again.resting")
        return
    if not now.firing or sure <= 0.0:
        return
    if outcome == "inconclusive":
        yield _message("casework.again.inconclusive")
    elif outcome == "fault" and confidence < sure:
        yield _message("casework.again.unsure", percent=round(100 * confidence))
    elif outcome == "fault" and concluded.get("helpless"):
        yield _message("casework.again.helpless")


def _message(key: str, **params: str | float) -> Message:
    return Message(key=key, params=tuple(params.items()))
