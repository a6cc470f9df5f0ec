from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tests.unit.cognition.state.test_analysers import CASES

from sre_copilot.cognition.state.detector import detect
from sre_copilot.evidence.evaluator import Evaluator

MESSAGES = Path(__file__).parents[4] / "src/sre_copilot/incidents/report/messages/state.toml"
SENTENCES = tomllib.loads(MESSAGES.read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", CASES)
def test_every_finding_and_gap_has_its_sentence(name: str, language: str) -> None:
    detection = detect(CASES[name][0].observe())
    for message in [each.message for each in (*detection.findings, *detection.gaps)]:
        sentence = SENTENCES[message.key][language].format(**dict(message.params))
        assert sentence.strip()


@pytest.mark.parametrize("name", CASES)
def test_every_check_of_every_finding_holds_when_it_is_run_again(name: str) -> None:
    observation = CASES[name][0].observe()
    evaluator = Evaluator(observation)
    for finding in detect(observation).findings:
        assert finding.checks
        assert all(evaluator.evaluate(check).holds for check in finding.checks)
