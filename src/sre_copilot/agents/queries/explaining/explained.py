"""An explanation: what it is, what it does line by line, and how dangerous it is to run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from sre_copilot.agents.queries.written import LEVELS, Risk, RiskLevel
from sre_copilot.domain.knowledge import Lang

Kind = Literal[
    "promql",
    "logql",
    "sql",
    "elasticsearch",
    "bash",
    "python",
    "alert_rule",
    "kubernetes",
    "compose",
    "unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What something does; `problems` are what is wrong with it, or why it could not be read."""

    kind: Kind
    lines: tuple[str, ...] = ()
    risk: Risk = field(default_factory=Risk)
    problems: tuple[str, ...] = ()


@dataclass
class Findings:
    """Collects lines, dangers and problems in one language."""

    lang: Lang
    lines: list[str] = field(default_factory=list)
    dangers: list[tuple[RiskLevel, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def say(self, en: str, zh: str) -> None:
        """Add a line."""
        self.lines.append(zh if self.lang == "zh" else en)

    def danger(self, level: RiskLevel, en: str, zh: str) -> None:
        """Add a reason to be careful."""
        self.dangers.append((level, zh if self.lang == "zh" else en))

    def problem(self, en: str, zh: str) -> None:
        """Add what is wrong."""
        self.problems.append(zh if self.lang == "zh" else en)

    def explained(self, kind: Kind) -> Explained:
        """All of it."""
        return Explained(
            kind=kind, lines=tuple(self.lines), risk=risk_of(self.dangers), problems=tuple(self.problems)
        )


def risk_of(dangers: Iterable[tuple[RiskLevel, str]]) -> Risk:
    """The highest level, and the reasons from the gravest on, each once."""
    ordered = sorted(dangers, key=lambda each: -LEVELS.index(each[0]))
    return Risk(
        level=ordered[0][0] if ordered else "none",
        reasons=tuple(dict.fromkeys(reason for _, reason in ordered)),
    )
