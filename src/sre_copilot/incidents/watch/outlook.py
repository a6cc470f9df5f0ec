"""How learning stands and what happens next, in words."""

from __future__ import annotations

from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import Said, moment, word
from sre_copilot.incidents.watch.status import LearningStatus


def outlook(learning: LearningStatus, lang: Language) -> str:
    """What is learned, and what happens next with what is not."""
    parts = []
    if learning.state != "warming_up":
        parts.append(word(f"learning.{learning.state}", lang, series=learning.series, days=learning.days))
    if learning.warm_until is not None:
        names, until = ", ".join(learning.warming), moment(learning.warm_until, lang)
        parts.append(word("learning.warming_up", lang, sources=names, until=until))
    return Said(" ".join(parts))
