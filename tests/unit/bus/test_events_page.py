"""The reference of events says which of them this version tells."""

from __future__ import annotations

import re
from pathlib import Path

import sre_copilot
from sre_copilot.bus.events_page import EMITTED, page
from sre_copilot.domain.event import EventType

ROOT = Path(sre_copilot.__file__).parent
EMITTERS = (
    *ROOT.glob("alerts/pipeline/*.py"),
    ROOT / "incidents/watch/journal.py",
    ROOT / "knowledge/labels.py",
)


def test_those_that_are_emitted_are_those_that_the_code_emits() -> None:
    found = {name for file in EMITTERS for name in re.findall(r"EventType\.([A-Z_]+)", file.read_text())}
    assert {EventType[name] for name in found} == EMITTED


def test_each_of_the_others_says_so() -> None:
    text = page()
    for kind in EventType:
        section = text.partition(f"## `{kind.value}`")[2].partition("| field")[0]
        assert ("Not emitted yet." in section) is (kind not in EMITTED)
