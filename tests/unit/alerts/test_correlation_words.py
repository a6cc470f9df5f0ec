"""Every reason of correlation has its sentence in both languages, and the sentence can be said."""

from __future__ import annotations

import re
from pathlib import Path

import sre_copilot.alerts.correlation
from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.report.words import LANGUAGES, catalogue, say
from sre_copilot.settings.alerting.correlation import Correlation
from sre_copilot.testing.alert_storms import make_storm, replay

ROOM = Path(sre_copilot.alerts.correlation.__file__).parent


def used() -> set[str]:
    text = "".join(file.read_text(encoding="utf-8") for file in ROOM.glob("*.py"))
    given = re.findall(r'\breason\(\s*"(\w+)"', text)
    return {*given, *re.findall(r'\(\("?(\w+)", weights', text), "depends_on", "serves"}


def test_every_reason_has_its_sentences_and_no_sentence_is_without_a_reason() -> None:
    known = {key.removeprefix("correlation.") for key in catalogue() if key.startswith("correlation.")}
    assert used() == known


def test_every_reason_that_is_given_can_be_said_in_both_languages() -> None:
    storm = make_storm(alerts=3000, seconds=30)
    told: set[Message] = set()
    replay(
        storm, Correlation(), heard=lambda placement: told.update(each.message for each in placement.reasons)
    )
    assert len({each.key for each in told}) >= 8
    for message in told:
        for lang in LANGUAGES:
            assert message.key not in say(message, lang)
