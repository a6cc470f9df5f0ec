"""What the readers of payloads share: what they are told, how a batch is read item by item, and what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sre_copilot.domain.alert import AlertEvent, Batch, Rejected
from sre_copilot.errors import UsageError
from sre_copilot.settings.alerting.intake import Fields

RESOLVE_AFTER_S = 300.0  # Alertmanager's resolve_timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one message may hold; beyond it, it is refused, however it was meant. Lengths are in characters."""

    items: int = 10_000
    labels: int = 128
    """Labels of one alert: systems write a dozen, and each is indexed."""
    name: int = 256
    """Of the name of a label or an annotation."""
    value: int = 4096
    """Of the value of a label: it is an identity, so that a longer one is refused and never cut."""
    text: int = 16_384
    """Of an annotation: it is words, so that a longer one is cut."""
    address: int = 8192
    """Of an address: those of Prometheus carry a whole expression."""
    depth: int = 32
    """Levels of what is kept as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeConfig:
    """What a reader is told about the way in: its name, labels for alerts that lack them, and where a generic document says what."""

    name: str
    provider: str
    labels: Mapping[str, str] = field(default_factory=dict)
    fields: Fields | None = None
    resolve_after_s: float = RESOLVE_AFTER_S
    limits: Limits = Limits()


class Reader(Protocol):
    """Reads one kind of payload."""

    def __call__(self, body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
        """Turn decoded JSON into alerts.

        Raises
        ------
        Unreadable : when it is no payload of this kind at all
        """
        ...


class Unreadable(UsageError):  # noqa: N818 - it is said of a message, and nothing is wrong here
    """A message, or one item of it, is not what it should be.

    Parameters
    ----------
    field : where it is wrong, by the names of the payload
    problem : what is wrong, and what to send instead
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}")


class TooMany(Unreadable):
    """A message holds more than one message may."""


def read_each(
    items: object, one: Callable[[Any], AlertEvent], *, intake: IntakeConfig, field: str = "alerts"
) -> Batch:
    """Read the items of a list; one that cannot be read is said by its place, and the others are not lost."""
    if not isinstance(items, list):
        raise Unreadable(field, f"must be a list, not {kind(items)}")
    if len(items) > intake.limits.items:
        raise TooMany(field, f"holds {len(items):,}; send at most {intake.limits.items:,} at once")
    events: list[AlertEvent] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        try:
            events.append(one(item))
        except Unreadable as error:
            rejected.append(Rejected(index=index, field=error.field, problem=error.problem))
    return Batch(events=tuple(events), rejected=tuple(rejected))


def an_object(value: Any, field: str) -> dict[str, Any]:
    """The value, which must be a JSON object."""
    if not isinstance(value, dict):
        raise Unreadable(field, f"must be an object, not {kind(value)}")
    return value


def one_of(words: Mapping[str, Any], word: Any, field: str) -> Any:
    """What a word stands for, of those there are."""
    if not isinstance(word, str) or word not in words:
        raise Unreadable(field, f"must be one of {', '.join(words)}")
    return words[word]


def kind(value: object) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "something else")
