"""Schedules for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sre_copilot.alerts.oncall.people import Override, Person
from sre_copilot.alerts.oncall.rotation import Rotation
from sre_copilot.alerts.oncall.schedule import Schedule

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = {
    "ann": Person(id="ann", name="Ann Lee", addresses={"email": "ann@example.org"}),
    "bob": Person(id="bob", name="Bob", addresses={"email": "bob@example.org"}),
    "carl": Person(id="carl", name="Carl", addresses={"email": "carl@example.org"}),
    "zhang": Person(id="zhang", name="张三", addresses={"email": "zhang@example.org"}, language="zh"),
}


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type]


def local(*parts: int, zone: ZoneInfo = BERLIN) -> float:
    return datetime(*parts, tzinfo=zone).timestamp()  # type: ignore[arg-type]


def rotation(**changed: Any) -> Rotation:
    fields: dict[str, Any] = {
        "name": "main",
        "every": "weekly",
        "order": ("ann", "bob"),
        "start": date(2026, 1, 5),
        "zone": BERLIN,
        "hand_over": time(9),
    }
    return Rotation(**{**fields, **changed})


def schedule(*layers: Any, overrides: tuple[Override, ...] = (), zone: str = "Europe/Berlin") -> Schedule:
    made = Schedule(id="s", name="S", time_zone=zone, layers=layers or (rotation(),))
    return made.with_overrides(overrides)


def override(person: str, start: float, end: float, **more: Any) -> Override:
    fields: dict[str, Any] = {"id": f"O-{person}-{start}", "schedule": "s"}
    return Override(**{**fields, **more}, person=person, start=start, end=end)
