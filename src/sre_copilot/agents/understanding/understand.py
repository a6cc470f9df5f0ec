"""From a text to what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sre_copilot.agents.answer import Understood
from sre_copilot.agents.understanding import follow_ups
from sre_copilot.agents.understanding.durations import compact
from sre_copilot.agents.understanding.entities import find_services, unknown_name
from sre_copilot.agents.understanding.intents import INTENTS
from sre_copilot.agents.understanding.moments import Calendar
from sre_copilot.agents.understanding.parameters import find_parameters, fitting, reference
from sre_copilot.agents.understanding.ranking import is_code, ranking
from sre_copilot.agents.understanding.splitting import parts
from sre_copilot.agents.understanding.times import Said, find_times, looks_ahead
from sre_copilot.agents.understanding.wording import LONGEST, Span, blanked, language, pattern, plain, quoted
from sre_copilot.domain.signals import Window

TIMELESS = ("smalltalk", "help")  # what is not asked of any stretch of time, whatever hour it speaks of
NAMED_WITHOUT_CUE = 4.0  # a service alone: somebody wants to know how it is
PRESENT = ("metric", "anomalies", "host")
"""Intents that ask how it is: asked of a time to come they ask for a forecast."""
NOTHING_SAID = 1.0
CERTAIN_AT = 7.0  # a weight from which on an intent is as clear as words make it
FULL_MARGIN = 1.0  # weight by which it must lead the next one to be sure

_GIVEN = pattern(
    r":\s*\S.{3,}|\n.{4,}"
)  # what is to be explained stands behind a colon or on a line of its own
_REFERENCE_BEFORE = pattern(
    r"(?:\b(?:compared?\s+(?:with|to)|versus|vs\.?|than|against|relative\s+to|with|from)|比起?|与|和|跟|同|较|相比于?|相较于?|对比)\s*(?:the\s+)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What is known where the question is asked."""

    services: Sequence[str] = ()
    metrics: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    calendar: Calendar


def understand(
    text: str,
    *,
    now: float,
    services: Sequence[str],
    metrics: Sequence[str] = (),
    window: Window | None = None,
    previous: Understood | None = None,
    aliases: Mapping[str, str] | None = None,
    utc_offset_hours: float = 0.0,
) -> Understood:
    """What a question asks for, by rules; nothing is taken for said that was not.

    Parameters
    ----------
    text : in Chinese, English or both
    now : epoch seconds of asking
    services, metrics : names that are known
    window : what to look at where no time is said, for example the incident that the conversation is about
    previous : the question before this one, which a follow-up leans on
    aliases : other names of services, each with its service
    utc_offset_hours : hours that the asker's clock is ahead of UTC
    """
    estate = Estate(
        services=services,
        metrics=metrics,
        aliases=aliases or {},
        calendar=Calendar(now=now, offset_s=utc_offset_hours * 3600.0),
    )
    understood = _whole(text[:LONGEST], estate)
    if previous is not None:
        understood = follow_ups.leaning(understood, previous, estate.calendar)
    understood = follow_ups.with_default_window(understood, window)
    if understood.intent in TIMELESS and previous is None:
        understood = replace(understood, window=None)
    return _with_missing(understood, services)


def _whole(text: str, estate: Estate) -> Understood:
    whole = _single(text, estate)
    marked = _marked(text, estate)
    spans = parts(marked, lambda said: _ranked_alone(said, estate))
    if not spans:
        return whole
    each = [_single(text[slice(*span)], estate) for span in spans]
    first = each[0]
    filled = tuple(
        _with_missing(follow_ups.completed(part, first=first, whole=whole), estate.services) for part in each
    )
    return replace(
        whole,
        intent=filled[0].intent,
        window=next((part.window for part in filled if part.window is not None), None),
        parameters={key: value for part in reversed(each) for key, value in part.parameters.items()},
        confidence=min(part.confidence for part in filled),
        parts=filled,
    )


def _ranked_alone(marked: str, estate: Estate) -> tuple[str, float]:
    found = find_parameters(marked, quotes=(), quoted_at=(), metrics=estate.metrics)
    ranked = ranking(marked, parameters=found, raw=marked)
    return ranked[0] if ranked else ("", 0.0)


def _marked(text: str, estate: Estate) -> str:
    """The text as cues are held against: services as `@`, quotations and times blank."""
    bare = _bare(text, estate)[0]
    ahead = looks_ahead(bare)
    said = find_times(bare, estate.calendar, ahead=ahead)
    return blanked(bare, (each.span for each in said if each.kind != "present"))


def _bare(text: str, estate: Estate) -> tuple[str, tuple[str, ...], tuple[Span, ...]]:
    smooth = plain(text)
    spans = quoted(smooth)
    mentions = find_services(smooth, services=estate.services, aliases=estate.aliases)
    outside = blanked(smooth, spans)
    marked = blanked(outside, (each.span for each in mentions), by="@")
    return marked, tuple(text[a:b].strip("`\"'\u201c\u201d「」『』") for a, b in spans), spans


def _single(text: str, estate: Estate) -> Understood:
    """A text that asks for one thing."""
    smooth = plain(text)
    mentions = find_services(smooth, services=estate.services, aliases=estate.aliases)
    bare, quotes, spans = _bare(text, estate)
    ahead = looks_ahead(bare)
    marked = _marked(text, estate)
    found = find_parameters(
        marked, original=text, pods=smooth, quotes=quotes, quoted_at=spans, metrics=estate.metrics
    )
    ranked = ranking(marked, parameters=found, raw=smooth)
    if not ranked:
        ranked = [("anomalies", NAMED_WITHOUT_CUE)] if mentions else [("smalltalk", NOTHING_SAID)]
    intent, weight = ranked[0]
    said = find_times(bare, estate.calendar, ahead=ahead, apart=intent == "compare")
    if intent in PRESENT and any(each.kind == "future" for each in said):
        intent = "forecast"
    chosen = _chosen(said, intent, bare)
    parameters = fitting(found, intent, marked) | _timely(said, chosen, intent, bare)
    if not mentions and (name := unknown_name(marked)):
        parameters["unknown"] = name
    return Understood(
        text=text,
        lang=language(text),
        intent=intent,
        services=tuple(dict.fromkeys(each.service for each in mentions)),
        window=chosen,
        parameters=parameters,
        confidence=_confidence(weight, ranked, [each.sure for each in mentions]),
    )


def _chosen(said: Sequence[Said], intent: str, text: str) -> Window | None:
    """The window that is asked about: for a forecast what lies ahead, for a comparison not what it is held against."""
    windows = [each for each in said if each.window is not None]
    if intent in ("code", "write_query", "explain", "help", "smalltalk", "knowledge", "similar", "act"):
        windows = [
            each
            for each in windows
            if not re.fullmatch(r"最近|近期|近来|recent(?:ly)?", text[slice(*each.span)])
        ]
        if intent in ("code", "explain"):
            return None
    if intent == "forecast":
        windows = [each for each in windows if each.kind == "future"] or windows
    if intent == "compare":
        others = [each for each in windows if not _REFERENCE_BEFORE.search(text[: each.span[0]].rstrip())]
        windows = others
    return windows[0].window if windows else None


def _timely(said: Sequence[Said], chosen: Window | None, intent: str, text: str) -> dict[str, str]:
    found = {}
    lengths = [each.length_s for each in said if each.kind == "future" and each.length_s]
    if lengths:
        found["horizon"] = compact(lengths[0])
    if intent == "compare" and (held := reference(said, chosen=chosen, text=text)):
        found["reference"] = held
    return found


def _confidence(weight: float, ranked: Sequence[tuple[str, float]], sure: Sequence[float]) -> float:
    """How clear it was: the weight of the best cue, its lead over the next, and the surest of spellings."""
    lead = min(1.0, (weight - ranked[1][1]) / FULL_MARGIN) if len(ranked) > 1 else 1.0
    clear = min(1.0, weight / CERTAIN_AT)
    return round(clear * (0.7 + 0.3 * lead) * min(sure, default=1.0), 3)


def _with_missing(understood: Understood, services: Sequence[str]) -> Understood:
    """What has to be asked back: what the request cannot do without, unless it is meant for all there is."""
    parameters, text = understood.parameters, plain(understood.text)
    everywhere = follow_ups.speaks_of_all(text) or len(services) == 1
    there = {
        "service": bool(understood.services)
        or everywhere
        or bool({"host", "pod", "namespace"} & parameters.keys()),
        "reference": "reference" in parameters,
        "query": is_code(text) or bool(quoted(text)) or _GIVEN.search(text) is not None,
        "direction": bool(understood.services) or "direction" not in parameters or everywhere,
    }
    missing = [name for name in INTENTS[understood.intent].needs if not there[name]]
    if "unknown" in parameters or "direction" in missing:
        missing = ["service", *(name for name in missing if name not in ("service", "direction"))]
    return replace(understood, missing=tuple(missing))
