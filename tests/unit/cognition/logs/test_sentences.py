"""The sentences of log findings and gaps, in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.unit.cognition.logs.shop import changing, observe, reference
from tests.unit.cognition.logs.test_detector import is_refused, is_silent_at_the_till, raises, skips_a_step

import sre_copilot.incidents.report
from sre_copilot.cognition.logs import detector, findings
from sre_copilot.cognition.logs.detector import detect

MESSAGES = Path(sre_copilot.incidents.report.__file__).parent / "messages" / "logs.toml"
CATALOGUE = tomllib.loads(MESSAGES.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", [detector, findings])
def test_every_key_in_the_code_has_a_sentence_in_both_languages(module: object) -> None:
    source = Path(str(module.__file__)).read_text(encoding="utf-8")  # type: ignore[attr-defined]
    keys = set(re.findall(r'"((?:log|gap)\.[a-z_]+)"', source))
    assert keys
    for key in keys:
        assert set(CATALOGUE[key]) == {"en", "zh"}


@pytest.mark.parametrize("after", [skips_a_step, raises, is_refused, is_silent_at_the_till])
@pytest.mark.parametrize("traced", [True, False])
def test_a_finding_has_all_parameters_of_its_sentence(after: object, traced: bool) -> None:
    found = detect(observe(changing(after, traced=traced), reference(traced=traced))).findings  # type: ignore[arg-type]
    for finding in found:
        for text in CATALOGUE[finding.kind].values():
            assert finding.entity in text.format(**dict(finding.message.params))
