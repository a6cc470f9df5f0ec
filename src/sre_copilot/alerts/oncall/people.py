"""Persons and teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["en", "zh"]
ADDRESS_KINDS = ("email", "phone", "slack", "feishu", "dingtalk", "wecom")
"""How a person can be reached; all but the first two are the ids of the platforms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be called. `addresses` are by kind; no `repr` shows them."""

    id: str
    name: str
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: Language = "en"
    time_zone: str = "UTC"

    def told(self) -> dict[str, Any]:
        """What a notification carries of a person."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "time_zone": self.time_zone,
            "addresses": dict(self.addresses),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Persons who answer for something together; `policy` is how what they own is escalated ('': not said)."""

    id: str
    name: str
    members: tuple[str, ...]
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """A person's time on call. Times are epoch seconds UTC, the end excluded.

    `layer` is what put the person there; where an override did, `override` is its id and `instead_of` the person who was planned ('': whoever was).
    """

    person: str
    start: float
    end: float
    schedule: str
    layer: str = ""
    override: str = ""
    instead_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one layer plans: a person, from when, until when."""

    person: str
    start: float
    end: float
    layer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person who takes over the schedule for a time: everybody's place, or that of one person (`replaces`) as far as that one is on call then.

    The one made later goes before.
    """

    id: str
    schedule: str
    person: str
    start: float
    end: float
    replaces: str = ""
    reason: str = ""
    created_by: str = ""
    created_at: float = 0.0
