"""The change log: deployments, configuration and flags, harmless ones too, as a team would keep it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab import releases
from lab.control import Release
from lab.layout import SERVICES
from lab.stack import Shop

_TEAMS = ("storefront", "orders", "logistics", "platform")
_HARMLESS = (
    ("config", "log retention set to {number} days"),
    ("config", "dashboard of {service} extended by {number} panels"),
    ("flag", "flag new-banner on for {number} % of customers"),
    ("flag", "flag recommendations-v2 on for {number} % of customers"),
)


@dataclass(slots=True)
class ChangeLog:
    """What was changed in the running shop, in the order in which it happened."""

    shop: Shop
    random: random.Random
    entries: list[dict[str, Any]] = field(default_factory=list)
    tell: Callable[[dict[str, Any]], None] = lambda _: None

    def deploy(self, service: str, *defects: str) -> None:
        """Roll out the next release of a service without an interruption."""
        before = self.shop.releases[service].version
        after = next_version(before)
        more = self._roll_out(service, Release(after, defects))
        self._note(service, "deploy", f"{service} {after} rolled out", {"from": before, "to": after, **more})

    def _roll_out(self, service: str, release: Release) -> dict[str, str]:
        """By a commit where the shop is delivered from a repository, else at once; what is to be said of it besides."""
        if not releases.repository(self.shop.folder).exists():
            self.shop.release(service, release)
            return {}
        commit = releases.commit(self.shop.folder, service, release)
        self.shop.releases[service] = release
        return {"commit": commit}

    def harmless(self, *, besides: str = "") -> None:
        """Make a change that breaks nothing: a deployment of another service, a setting, a flag."""
        service = self.random.choice([name for name in SERVICES if name != besides])
        if self.random.random() < 0.5:
            self.deploy(service)
            return
        kind, text = self.random.choice(_HARMLESS)
        number = self.random.choice((5, 10, 20, 30))
        self._note(service, kind, text.format(service=service, number=number), {"value": str(number)})

    def _note(self, service: str, kind: str, text: str, detail: dict[str, str]) -> None:
        detail = {**detail, "team": self.random.choice(_TEAMS)}
        entry = {
            "ts": round(time.time(), 1),
            "service": service,
            "kind": kind,
            "text": text,
            "detail": detail,
        }
        self.entries.append(entry)
        self.tell(entry)


def next_version(version: str) -> str:
    """The version after this one: the last number grows by one."""
    head, _, tail = version.rpartition(".")
    return f"{head}.{int(tail) + 1}"
