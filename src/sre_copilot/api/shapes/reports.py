"""Reports of incidents and statistics, as the interface answers them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sre_copilot.api.shapes.shape import Shape, Time


class Sentence(Shape):
    """One sentence of a report, and the records that it rests on."""

    text: str
    key: str
    params: dict[str, Any]
    at: Time | None
    who: str
    rests_on: list[str]


class Report(Shape):
    """The report of an incident: `format=json`; the other forms are text or a PDF."""

    version: int
    lang: Literal["en", "zh"]
    incident_id: str
    number: int
    title: str
    status: str
    severity: str
    priority: str
    services: list[str]
    began_at: Time
    opened_at: Time
    resolved_at: Time | None
    made_at: Time
    outcome: Literal["fault", "no_fault", "inconclusive", "failed", "none", "hidden"]
    headline: Sentence
    sections: dict[str, list[Sentence]]
    """`impact`, `cause`, `timeline`, `actions`, `good`, `bad`, `follow_ups`, `comments`, `missing`."""


class Sent(Shape):
    """Who is told of a report; `notifications` are keys of the messages."""

    incident_id: str
    to: list[str]
    notifications: list[str]
    attached: list[str]
    """Services (`RECEIVER: TYPE`) to which the report goes as a file."""
    not_attached: list[str]
    """Services that carry no file: they get the summary."""
    linked: bool
    """Whether messages have a link to the report: `alerting.notify.external_url` is set."""


class Figure(Shape):
    """One figure; `value` is the mean of seconds or the share, null where there are fewer than `least` cases, and `problem` says so."""

    title: str
    definition: str
    unit: Literal["seconds", "ratio"]
    value: float | None
    median: float | None
    p90: float | None
    interval: list[float] | None
    n: int
    of: int
    least: int
    missing: dict[str, int] = Field(default_factory=dict)
    missing_words: list[str]
    target: float | None
    traditional: float | None
    met: bool | None
    problem: str


class Statistics(Shape):
    """Figures of a window, by name."""

    since: Time
    until: Time
    lang: Literal["en", "zh"]
    figures: dict[str, Figure]
    counts: dict[str, int]
    problems: list[str]
