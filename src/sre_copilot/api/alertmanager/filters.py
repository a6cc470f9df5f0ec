"""What is asked for: matchers, a pattern of receivers, and which states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi.responses import Response

from sre_copilot.alerts.matchers import Matcher, all_match, parse_matchers
from sre_copilot.api.alertmanager.views import Seen, state_word
from sre_copilot.api.views import Json
from sre_copilot.errors import UsageError

MOST_FILTERS = 100


class BadRequest(Exception):  # noqa: N818 - it is an answer
    """What Alertmanager answers with 400: a text."""


def refused(text: str, status: int = 400) -> Response:
    """The answer for it: a JSON text, as the API has it."""
    return Json(text, status_code=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which alerts are asked for."""

    matchers: tuple[Matcher, ...] = ()
    receiver: Matcher | None = None
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True

    def takes(self, alert: Seen, receivers: Sequence[str], *, now: float) -> bool:
        """Whether an alert is asked for; one that is over never is."""
        if alert.status == "resolved" or (alert.ends_at is not None and alert.ends_at <= now):
            return False
        state = state_word(alert)
        if (state == "active" and not self.active) or (state == "unprocessed" and not self.unprocessed):
            return False
        if (alert.silenced_by and not self.silenced) or (alert.inhibited_by and not self.inhibited):
            return False
        if self.receiver is not None and not any(map(self.receiver.accepts, receivers)):
            return False
        return all_match(self.matchers, alert.labels)


def matchers_of(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """The matchers of a repeated parameter.

    Raises
    ------
    BadRequest : when one cannot be read
    """
    if len(texts) > MOST_FILTERS:
        raise BadRequest(f"at most {MOST_FILTERS} filters may be given")
    try:
        return tuple(matcher for text in texts for matcher in parse_matchers(text))
    except UsageError as error:
        raise BadRequest(f"bad matcher format: {error}") from None


def receiver_of(pattern: str | None) -> Matcher | None:
    """The pattern of receivers.

    Raises
    ------
    BadRequest : when it cannot be used
    """
    try:
        return Matcher("receiver", "=~", pattern) if pattern else None
    except UsageError as error:
        raise BadRequest(f"failed to parse receiver param: {error}") from None


def silence_fits(matchers: Sequence[Matcher], silence: Mapping[str, str]) -> bool:
    """Whether the matchers of a silence, as names and values, are those that are asked for."""
    return all_match(matchers, silence)
