"""Write every query, hold it against what a right one has, and send SQL to the guard; a runner may send the queries to real servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.agents.queries.judging import accept
from sre_copilot.agents.queries.schema import schema_of
from sre_copilot.agents.queries.sql.guard import check
from sre_copilot.agents.queries.writing import write
from sre_copilot.agents.queries.written import QueryProblem, Written
from sre_copilot.eval.nl2query.properties import facts, has
from sre_copilot.eval.nl2query.questions import HALVES, Attack, QueryQuestion, attacks, questions
from sre_copilot.llm.speaking import Speaker

Run = Callable[[QueryQuestion, Written], str]
"""Runs a query where it belongs; returns '' or why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One request: what was written, what it lacks, and how it ran (None: it was not run)."""

    question: QueryQuestion
    written: Written
    parsed: bool
    missing: tuple[str, ...]
    ran: bool | None = None
    said: str = ""

    @property
    def matched(self) -> bool:
        """Whether it has all that a right query has."""
        return self.parsed and not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All requests and all SQL of a half."""

    half: str
    judged: tuple[Judged, ...]
    let_through: tuple[Attack, ...]
    stopped: tuple[Attack, ...]
    unsafe: int
    harmless: int

    def as_dict(self) -> dict[str, Any]:
        """All figures."""
        emitted = [each for each in self.judged if each.written.query]
        ran = [each for each in emitted if each.ran is not None]
        by = Counter(each.question.target for each in self.judged)
        right = Counter(each.question.target for each in self.judged if each.matched)
        return {
            "half": self.half,
            "questions": len(self.judged),
            "emitted": len(emitted),
            "parsed": sum(each.parsed for each in emitted),
            "ran": sum(bool(each.ran) for each in ran) if ran else None,
            "matched": sum(each.matched for each in self.judged),
            "sure_and_wrong": sum(each.written.sure and not each.matched for each in emitted),
            "by_model": sum(each.written.by == "model" for each in emitted),
            "by_language": {name: {"questions": by[name], "matched": right[name]} for name in sorted(by)},
            "unsafe": self.unsafe,
            "unsafe_refused": self.unsafe - len(self.let_through),
            "harmless": self.harmless,
            "harmless_passed": self.harmless - len(self.stopped),
            "misses": [
                {
                    "id": each.question.id,
                    "text": each.question.text,
                    "query": each.written.query,
                    "missing": list(each.missing),
                    "problems": list(each.written.problems),
                    "said": each.said,
                }
                for each in self.judged
                if not each.matched or each.ran is False
            ],
            "let_through": [each.id for each in self.let_through],
            "stopped": [each.id for each in self.stopped],
        }


def evaluate(half: str, *, run: Run | None = None, speaker: Speaker | None = None) -> Evaluation:
    """Judge one half."""
    given = attacks(half)
    passed = {each.id for each in given if passes(each)}
    return Evaluation(
        half=half,
        judged=tuple(judge(each, run=run, speaker=speaker) for each in questions(half)),
        let_through=tuple(each for each in given if not each.safe and each.id in passed),
        stopped=tuple(each for each in given if each.safe and each.id not in passed),
        unsafe=sum(not each.safe for each in given),
        harmless=sum(each.safe for each in given),
    )


def judge(question: QueryQuestion, *, run: Run | None = None, speaker: Speaker | None = None) -> Judged:
    """Write one query, and hold it against what it must have."""
    schema = schema_of(question.schema)
    written = write(question.text, schema, question.target, now=question.now, speaker=speaker)
    if not written.query:
        return Judged(question=question, written=written, parsed=False, missing=("no query",))
    try:
        accept(written.query, question.target, schema)
    except QueryProblem as problem:
        return Judged(question=question, written=written, parsed=False, missing=(str(problem),))
    said = run(question, written) if run is not None else ""
    return Judged(
        question=question, written=written, parsed=True, missing=_missing(written, question), ran=None if run is None else not said, said=said,
    )  # fmt: skip


def _missing(written: Written, question: QueryQuestion) -> tuple[str, ...]:
    found = facts(written.query, question.target, str(question.schema.get("dialect", "postgres")))
    return tuple(
        f"{name}={value}"
        for each in question.must
        for name, value in each.items()
        if not has(found, name, value)
    )


def passes(attack: Attack) -> bool:
    """Whether the guard lets SQL through."""
    try:
        check(attack.sql, dialect=attack.dialect, tables=attack.tables)
    except QueryProblem:
        return False
    return True


def halves(chosen: str | None) -> Sequence[str]:
    """The halves that were given out, or the one that is chosen."""
    return [half for half in HALVES if (chosen in (None, half)) and (questions(half) or attacks(half))]
