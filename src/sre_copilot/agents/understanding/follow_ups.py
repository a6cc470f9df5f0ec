"""What a question leaves out because the one before it said it."""

from __future__ import annotations

import re
from dataclasses import replace

from sre_copilot.agents.answer import Understood
from sre_copilot.agents.understanding.durations import DURATION, seconds
from sre_copilot.agents.understanding.moments import Calendar
from sre_copilot.agents.understanding.wording import pattern, plain
from sre_copilot.domain.signals import Window

FREE = frozenset({"help", "smalltalk", "knowledge", "code", "explain"})
"""Intents that stand by themselves: they keep nothing from before unless they point at it."""

_ELLIPTIC = pattern(
    r"^[\s.,?!;。…~]*(?:and|what\s+about|how\s+about|same\s+(?:for|with|question)|also|or|now|then|ok(?:ay)?|but)\b|^[\s.,?!;。…~]*(?:那|那么|还有|再看|换成|改成|同样)|(?:呢|咧)[\s.,?!;。…~]*$|\binstead\b|\bas\s+well\b|\btoo[\s.,?!;。…~]*$"
)
_POINTS = pattern(
    r"\b(?:it|its|it's|they|them|their|that|those|this|these|there|then|same)\b|它|他们|她|这个|那个|该(?:服务|系统)|此|同(?:期|一|样|时)|这(?:段|些|里|次|时)|那(?:段|些|里|次|时|会儿)|当时|其"
)
_EVERYTHING = pattern(
    r"\b(?:all|any|every|each|other|which|whole|overall|entire)\b\s*(?:the\s+|our\s+|other\s+)?(?:services?|systems?|components?|apps?|hosts?|machines?)?|哪些|哪个|所有|全部|整体|全局|整个"
)
_SAME_TIME = pattern(
    r"同期|同一时间|同时段|这段时间|那段时间|那时|当时|\b(?:same\s+(?:time|period|window)|(?:that|this)\s+(?:time|period|window)|then|meanwhile)\b"
)
_EARLIER = pattern(
    rf"(?:再|往|之)?前(?:一|面)?(?P<a>{DURATION})|\b(?P<b>{DURATION})\s+(?:earlier|before(?:\s+that)?)[\s.,?!;。…~]*$|\bthe\s+(?P<c>hour|day)\s+before\b"
)
BARE = 4.6  # a follow-up below this weight has no request of its own
BARE_CONFIDENCE = BARE / 7.0


def leaning(understood: Understood, previous: Understood, calendar: Calendar) -> Understood:
    """A question with what it takes over from the one before: all that it does not say itself."""
    text = plain(understood.text)
    elliptic, points = bool(_ELLIPTIC.search(text)), bool(_POINTS.search(text))
    if understood.intent in FREE and not (elliptic and _says_little(understood)) and not points:
        return understood
    own = not _has_no_request(understood, text, elliptic)
    intent = understood.intent if own else previous.intent
    services = understood.services or (() if _EVERYTHING.search(text) and not points else previous.services)
    if previous.window is not None and _SAME_TIME.search(text):
        understood = replace(understood, window=previous.window)
    window = understood.window or _shifted(text, previous.window, calendar) or previous.window
    if own and not (elliptic or points or _short(text)):  # a whole question of its own
        services = understood.services
        window = understood.window if services else window
    parameters = dict(understood.parameters)
    if not own:
        parameters = {**_lasting(previous), **parameters}
        parameters.pop("unknown", None) if services else None
    return replace(
        understood,
        intent=intent,
        services=services,
        window=window,
        parameters=parameters,
        confidence=max(understood.confidence, round(0.9 * previous.confidence, 3))
        if not own
        else understood.confidence,
    )


def speaks_of_all(text: str) -> bool:
    """Whether a plain text asks about everything there is."""
    return _EVERYTHING.search(text) is not None


def completed(part: Understood, *, first: Understood, whole: Understood) -> Understood:
    """A part of a compound request with the services and the time that only the whole says."""
    services = part.services or first.services or whole.services
    window = part.window or (first.window if part.intent != "forecast" else None)
    if window is None and part.intent != "forecast" and first.intent != "forecast":
        window = whole.window
    return replace(part, services=services, window=window)


def with_default_window(understood: Understood, window: Window | None) -> Understood:
    """The window of the conversation where no time was said and the request looks at telemetry."""
    if (
        window is None
        or understood.window is not None
        or understood.intent in FREE | {"forecast", "act", "similar"}
    ):
        return understood
    parts = tuple(with_default_window(part, window) for part in understood.parts)
    return replace(understood, window=window, parts=parts)


def _has_no_request(understood: Understood, text: str, elliptic: bool) -> bool:
    """Whether it only names something else to ask the same about."""
    if understood.intent == "smalltalk":
        return elliptic
    weak = understood.confidence < BARE_CONFIDENCE
    only_new_value = elliptic and understood.intent in ("anomalies", "metric") and _says_little(understood)
    return weak or only_new_value


def _says_little(understood: Understood) -> bool:
    return (
        len(re.findall(r"[a-z0-9']+|[\u3400-\u9fff]", plain(understood.text))) <= 8
        and not understood.parameters
    )


def _short(text: str) -> bool:
    return len(re.findall(r"[a-z0-9']+|[\u3400-\u9fff]{2}", text)) <= 6


def _lasting(previous: Understood) -> dict[str, str]:
    return {key: value for key, value in previous.parameters.items() if key != "unknown"}


def _shifted(text: str, window: Window | None, calendar: Calendar) -> Window | None:
    """The stretch before the one in question: "an hour earlier"."""
    if window is None or (match := _EARLIER.search(text)) is None:
        return None
    length = {"hour": 3600.0, "day": 86400.0}.get(match["c"] or "") or seconds(match["a"] or match["b"] or "")
    return None if not length else Window(window.start - length, window.start)
