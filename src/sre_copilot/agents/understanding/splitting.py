"""The parts of a request that asks for several things in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sre_copilot.agents.understanding.cues import ASKS
from sre_copilot.agents.understanding.ranking import TOPIC, Ranked
from sre_copilot.agents.understanding.wording import Span, pattern

_CUT = pattern(
    r"[;。;!?！？\n]+|\.\s+|,?\s*\band\s+(?:then|also)\b|,?\s*(?<!back )(?<!since )(?<!by )\b(?:then|also|plus|afterwards)\b|,|,|、|\band\b|(?:,|,)?(?:然后|接着|随后|并且|同时|顺便|顺带|另外|此外|以及|还有|最后)|并(?!发|行|没|不)"
    r"|再(?=看|查|给|写|帮|对比|预测|来|列|把|出|整|生|说)|和(?=看|查|写|预测|给|列)"
)
_JOINS = pattern(r"\s*,?\s*(?:and|plus|and\s+also|以及|和|与|及|、|还有)\s*")
_ANOTHER = pattern(r"[;；]|\b(?:also|plus)\b|另外|此外|顺便|顺带|还有")
_NOTHING = " .,?!\0"
CLEAR = 4.6  # a clause asks for something of its own from this weight on: a mere description of trouble weighs 4.5
ALONE = frozenset({"code", "write_query", "explain"})
"""Requests whose text describes what to make; what stands in it is no request of its own."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of the text, and how its cut-off from the one before is written."""

    span: Span
    joint: str


@dataclass(frozen=True, slots=True)
class _Opened:
    """A request under way; one that only names its topic (`asks` is false) is finished by the clause that asks."""

    span: Span
    intent: str
    asks: bool


def clauses(text: str) -> tuple[Clause, ...]:
    """The text cut wherever a new request may begin."""
    found, start, joint = [], 0, ""
    for match in _CUT.finditer(text):
        if said := bool(text[start : match.start()].strip(_NOTHING)):
            found.append(Clause((start, match.start()), joint))
        start, joint = match.end(), match[0] if said else joint + match[0]
    if text[start:].strip(_NOTHING):
        found.append(Clause((start, len(text)), joint))
    return tuple(found)


def _apart(joint: str, before: str) -> bool:
    """Whether what stands between says that another request begins, after one that named its topic."""
    return before in TOPIC and _ANOTHER.search(joint) is not None


def parts(text: str, rank: Ranked) -> tuple[Span, ...]:
    """Stretches of the text that each ask for something else than the one before; none for a simple request."""
    opened: list[_Opened] = []
    for clause in clauses(text):
        said = text[slice(*clause.span)]
        intent, weight = rank(said)
        asks = ASKS.search(said) is not None
        listed = (
            _JOINS.fullmatch(clause.joint) is not None
            and bool(opened)
            and {opened[-1].intent, intent} <= TOPIC
        )
        new = weight >= CLEAR and (asks or listed or (not opened and intent in TOPIC))
        if opened and (not new or intent == opened[-1].intent or opened[-1].intent in ALONE):
            opened[-1] = replace(opened[-1], span=(opened[-1].span[0], clause.span[1]))
        elif new and opened and not (opened[-1].asks or listed or _apart(clause.joint, opened[-1].intent)):
            kept = opened[-1].intent if intent == "anomalies" else intent
            opened[-1] = _Opened((opened[-1].span[0], clause.span[1]), kept, asks=True)
        elif new:
            opened.append(_Opened(clause.span, intent, asks=asks))
    if len(opened) < 2:
        return ()
    return ((0, opened[0].span[1]), *(each.span for each in opened[1:]))
