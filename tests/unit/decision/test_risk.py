from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decision.situations import NOON, RATES, situation, standing

from sre_copilot.decision.assess import Rulebook, assess
from sre_copilot.decision.bands import band
from sre_copilot.decision.risk import WEIGHTS, score
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, RiskLevel, RiskPart
from sre_copilot.incidents.report.words import LANGUAGES, say
from sre_copilot.settings.acting.decision import Risk as RiskSettings

ON = Rulebook(risk=RiskSettings(auto_remediation_enabled=True))
SHARES = st.floats(0, 1)
LEVELS = st.sampled_from(RiskLevel)
ENVIRONMENTS = ("development", "test", "staging", "production")  # each worse than the one before
OTHERS = st.fixed_dictionaries(
    {
        "confidence": st.none() | SHARES,
        "inconclusive": st.booleans(),
        "standing": st.integers(0, 30).flatmap(
            lambda total: st.builds(standing, st.integers(0, total), st.just(total), st.none() | st.integers(0, 9))
        ),
        "service": st.sampled_from(["", "cart", "shop"]),
        "rates": st.sampled_from([{}, RATES]),
    }
)  # fmt: skip


def parts(values: dict[str, float]) -> list[RiskPart]:
    why = Message(key="risk.time.usual")
    return [
        RiskPart(name=name, value=value, weight=WEIGHTS[name], reason=why) for name, value in values.items()
    ]


@given(
    values=st.fixed_dictionaries(dict.fromkeys(WEIGHTS, SHARES)),
    name=st.sampled_from([*WEIGHTS]),
    worse=SHARES,
)
def test_a_worse_part_never_lowers_the_score(values: dict[str, float], name: str, worse: float) -> None:
    here = score(parts(values))
    there = score(parts({**values, name: max(values[name], worse)}))
    assert 0.0 <= here <= there < 1.0


def test_every_part_is_shown_with_value_weight_and_a_sentence_in_every_language() -> None:
    found = assess(situation(), rules=ON, now=NOON)
    assert [part.name for part in found.parts] == [*WEIGHTS]
    assert found.score == pytest.approx(score(found.parts))
    for part in found.parts:
        for language in LANGUAGES:
            assert part.reason.key not in say(part.reason, language)


@given(level=LEVELS, others=OTHERS, loss=SHARES, reversible=st.booleans(), data=st.data())
def test_a_worse_situation_is_never_judged_better(
    level: RiskLevel, others: dict[str, Any], loss: float, reversible: bool, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, 3))
    entry = {"data_loss": loss, "reversible": reversible}
    given_at = {"environment": ENVIRONMENTS[place]}
    here = assess(situation(level, at=given_at, entry=entry, **others), rules=ON, now=NOON)
    record = others["standing"].record
    worse: dict[str, Any] = {
        "level": situation(RiskLevel(min(level + 1, 4)), at=given_at, entry=entry, **others),
        "environment": situation(level, at={"environment": ENVIRONMENTS[min(place + 1, 3)]}, entry=entry, **others),
        "loss": situation(level, at=given_at, entry={**entry, "data_loss": min(1.0, loss + 0.2)}, **others),
        "lasting": situation(level, at=given_at, entry={**entry, "reversible": False}, **others),
        "unsure": situation(level, at=given_at, entry=entry, **{**others, "confidence": (others["confidence"] or 0) / 2}),
        "no cause": situation(level, at=given_at, entry=entry, **{**others, "inconclusive": True}),
        "failed": situation(level, at=given_at, entry=entry, **{**others, "standing": standing(record.good, record.total + 1, 0)}),
        "unknown": situation(level, at=given_at, entry=entry, **{**others, "service": ""}),
    }  # fmt: skip
    for name, each in worse.items():
        there = assess(each, rules=ON, now=NOON)
        assert there.score >= here.score - 1e-12, name
        assert there.mode >= here.mode, name


@given(others=OTHERS, environment=st.sampled_from(ENVIRONMENTS[:3]))
def test_reading_outside_production_is_low_whatever_else_is_so(
    others: dict[str, Any], environment: str
) -> None:
    found = assess(situation(RiskLevel.LOW, at={"environment": environment}, **others), rules=ON, now=NOON)
    assert found.score < 0.3
    assert band(found.score, ON.risk) == Mode.AUTO


@given(others=OTHERS, loss=st.floats(0.001, 1), environment=st.sampled_from(["production", "", "eu-7"]))
def test_what_loses_data_of_production_for_good_is_a_persons_to_do(
    others: dict[str, Any], loss: float, environment: str
) -> None:
    entry = {"data_loss": loss, "reversible": False}
    for level in (RiskLevel.MEDIUM, RiskLevel.HIGH, RiskLevel.CRITICAL):
        found = assess(
            situation(level, at={"environment": environment}, entry=entry, **others), rules=ON, now=NOON
        )
        assert found.mode == Mode.MANUAL


def test_a_loss_that_is_no_number_is_the_worst() -> None:
    found = assess(situation(RiskLevel.HIGH, entry={"data_loss": float("nan")}), rules=ON, now=NOON)
    assert found.mode == Mode.MANUAL
    assert next(part.value for part in found.parts if part.name == "data_loss") == 1.0


def test_what_is_not_known_counts_as_the_worst_and_says_so() -> None:
    plain = situation(confidence=None, standing=standing(0, 0), service="", rates={})
    found = {part.name: part for part in assess(plain, rules=ON, now=NOON).parts}
    assert [found[name].value for name in ("blast_radius", "confidence", "record")] == [1.0, 1.0, 1.0]
    assert found["blast_radius"].reason.key == "risk.blast_radius.unknown"
    assert found["confidence"].reason.key == "risk.confidence.none"
    nan = replace(plain, confidence=float("nan"))
    assert assess(nan, rules=ON, now=NOON).mode >= Mode.SEMI_AUTO


@pytest.mark.parametrize(
    ("value", "mode"),
    [(0.0, Mode.AUTO), (0.5999, Mode.AUTO), (0.6, Mode.SEMI_AUTO), (0.7999, Mode.SEMI_AUTO), (0.8, Mode.MANUAL), (1.0, Mode.MANUAL), (float("nan"), Mode.MANUAL)],
)  # fmt: skip
def test_the_edges_of_the_bands_belong_to_the_stricter_side(value: float, mode: Mode) -> None:
    assert band(value, RiskSettings()) == mode


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"standing": standing(8, 8)}, 0.44),
        ({"standing": standing(0, 0)}, 0.60),
        ({"standing": standing(0, 0), "service": "", "confidence": None}, 0.81),
    ],
)
def test_scores_are_those_of_the_documentation(given: dict[str, Any], expected: float) -> None:
    assert assess(situation(**given), rules=ON, now=NOON).score == pytest.approx(expected, abs=0.005)
