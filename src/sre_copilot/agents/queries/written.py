"""What a query is before anybody runs it: its text, what it means, its risk, what it would cost, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Language = Literal["promql", "logql", "elasticsearch", "sql", "topology"]
LANGUAGES: tuple[Language, ...] = ("promql", "logql", "elasticsearch", "sql", "topology")
RiskLevel = Literal["none", "low", "medium", "high", "critical"]
LEVELS: tuple[RiskLevel, ...] = ("none", "low", "medium", "high", "critical")
Source = Literal["rules", "model", "given", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How dangerous something is to run, and why."""

    level: RiskLevel = "none"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a query would read. None: nobody asked the source, or it cannot say.

    `window_seconds` is how far back it reaches, `series` how many series or streams, `points` how many samples, rows or documents.
    """

    window_seconds: float | None = None
    series: int | None = None
    points: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A query; '' where none could be written, and then `problems` says why.

    `unused` are words of the request that are in no part of it; `sure` says that the rules used all that they should have. `target` is the index of a
    search, the dialect of SQL.
    """

    query: str
    language: Language
    explanation: str = ""
    risk: Risk = field(default_factory=Risk)
    cost: Cost = field(default_factory=Cost)
    problems: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    sure: bool = True
    by: Source = "rules"
    target: str = ""


class QueryProblem(ValueError):  # noqa: N818 - said to whoever asked, not a fault
    """A query that may not be sent; the message says why and what to do, in English and in Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        self.zh = zh
        super().__init__(en)

    def said(self, lang: str) -> str:
        """The reason in a language."""
        return self.zh if lang == "zh" else str(self)


def worst(levels: tuple[RiskLevel, ...]) -> RiskLevel:
    """The highest of some levels; `none` of none."""
    return max(levels, key=LEVELS.index, default="none")
