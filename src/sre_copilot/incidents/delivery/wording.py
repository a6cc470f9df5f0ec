"""A notification in words, in the language of its reader: what, since when, how bad, whom it reaches, what caused it, and what it consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sre_copilot.action.notify.notifier import Message
from sre_copilot.domain.evidence import Message as Sentence
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.delivery.templates import DEFAULT, Wording, render
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.numbers import number, percentage
from sre_copilot.incidents.report.words import fault_words, has, metric_words, moment, say, word
from sre_copilot.store.paging import Row
from sre_copilot.telemetry import log

MOST_ALERTS = 10
MOST_LINES = 100  # of a digest; the notifier cuts what is still too long
MOST_NAMES = 5
_log = log(__name__)


def message(
    row: Row,
    *,
    key: str,
    language: Language,
    thread: str = "",
    to: str = "",
    people: Sequence[Mapping[str, Any]] = (),
    wording: Wording = DEFAULT,
    external_url: str = "",
    strict: bool = False,
) -> Message:
    """The message that one notification becomes; a template that cannot be filled in gives way to the default words, which is logged, or with `strict` raised."""
    content = {**row["payload"]["content"], "receiver": row["receiver"], "external_url": external_url}
    state, lang = str(row["state"]), language
    title = title_of(state, content, lang)
    text = "\n".join(lines(state, content, lang, people=people))
    values = {
        **content,
        "state": state,
        "default_title": title,
        "default_text": text,
        "key": key,
        "lang": lang,
        "people": [_named(each) for each in people],
    }
    return Message(
        key=key,
        group=row["group_key"],
        state=state,
        severity=str(content.get("severity") or "info"),
        title=one_line(_own(wording.title, values, strict) or title),
        text=_own(wording.text, values, strict) or text,
        fields=tuple(fields(content, lang)),
        links=tuple(links(content, external_url, lang)),
        thread=thread,
        data=content,
        people=tuple(people),
        to=to,
        language=lang,
    )


def digest(rows: Sequence[Row], *, key: str, receiver: str, language: Language, to: str = "") -> Message:
    """One message in the place of several, each with its line, in the order in which they came."""
    lang = language
    lines = [_digest_line(row, lang) for row in rows[:MOST_LINES]]
    if len(rows) > MOST_LINES:
        lines.append(word("notify.more", lang, count=len(rows) - MOST_LINES))
    worst = _worst([str(row["severity"]) for row in rows])
    return Message(
        key=key,
        group=key,
        state="digest",
        severity=worst,
        title=word("notify.digest", lang, count=len(rows)),
        text="\n".join([word("notify.digest_why", lang), *lines]),
        data={"receiver": receiver, "keys": [row["key"] for row in rows], "severity": worst},
        to=to,
        language=lang,
    )


def title_of(state: str, content: Mapping[str, Any], lang: Language) -> str:
    """State, severity and what."""
    severity = str(content.get("severity") or "")
    shown = word(
        "notify.states", lang, state=_word("state", state, lang), severity=_word("severity", severity, lang)
    )
    title = one_line(str(content.get("title") or content.get("service") or word("notify.untitled", lang)))
    if state == "approval" and (action := _recommended(content.get("recommendation") or {}, lang)):
        title = word("approval.title", lang, action=action)
    if content.get("storm"):
        title = word("notify.storm", lang, count=int(content.get("alert_count") or 0), title=title)
    return word("notify.title", lang, head=shown if severity else _word("state", state, lang), title=title)


def fields(content: Mapping[str, Any], lang: Language) -> Iterator[tuple[str, str]]:
    """The figures, each with its name; only those that are known."""
    yield from _field(
        "severity", content.get("severity"), lang, lambda value: _word("severity", str(value), lang)
    )
    yield from _field("priority", content.get("priority"), lang)
    yield from _field("service", content.get("service"), lang)
    anomaly = content.get("anomaly") or {}
    yield from _field("metric", anomaly.get("metric"), lang, lambda value: metric_words(str(value), lang))
    for name in ("current", "expected", "deviation"):
        yield from _field(name, anomaly.get(name), lang, _figure)
    plan = content.get("recommendation") or {}
    yield from _field("action", _recommended(plan, lang), lang)
    minutes = plan.get("estimated_minutes")
    yield from _field("time", minutes, lang, lambda value: word("notify.minutes", lang, minutes=value))
    if isinstance(rate := plan.get("success_rate"), int | float):
        cases = plan.get("similar_cases")
        shown = percentage(rate)
        said = (
            word("notify.success", lang, rate=shown, cases=cases)
            if cases
            else word("notify.rate", lang, rate=shown)
        )
        yield from _field("success", said, lang)
    elif plan.get("plan_id"):
        yield from _field("success", word("notify.success_unknown", lang), lang)
    yield from _field("plan", plan.get("plan_id"), lang)


def lines(
    state: str, content: Mapping[str, Any], lang: Language, *, people: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The text, line by line."""
    if missed := content.get("fallback_from"):
        yield word("notify.fallback", lang, receiver=", ".join(map(str, missed)))
    started, ended = content.get("started_at"), content.get("resolved_at")
    if state == "resolved" and isinstance(started, int | float) and isinstance(ended, int | float):
        yield word("notify.over", lang, begun=moment(started, lang), ended=moment(ended, lang))
    elif isinstance(started, int | float):
        yield word("notify.since", lang, since=started)
    for each in content.get("summary") or ():
        if isinstance(each, Mapping):
            yield say(
                Sentence(key=str(each.get("key")), params=tuple(dict(each.get("params") or {}).items())), lang
            )
        else:
            yield one_line(str(each))
    yield from _reach(content, lang)
    if state not in ("test", "deadman", "digest") and not (
        state == "updated" and content.get("recommendation")
    ):
        yield _cause(content, lang)
    yield from _alerts(content, lang)
    if names := [str(each.get("name")) for each in people if each.get("name")]:
        yield word("notify.on_call", lang, names=one_line(", ".join(names[:MOST_NAMES])))


def links(content: Mapping[str, Any], external_url: str, lang: Language) -> Iterator[tuple[str, str]]:
    """Our own page of the incident, then what the alerts bring."""
    if external_url and content.get("incident_id"):
        yield f"{external_url}/incidents/{content['incident_id']}", word("notify.link", lang)
    for each in content.get("links") or ():
        if isinstance(each, Sequence) and len(each) == 2:
            yield str(each[0]), one_line(str(each[1]))


def _reach(content: Mapping[str, Any], lang: Language) -> Iterator[str]:
    radius = content.get("blast_radius") or {}
    named = one_line(", ".join(map(str, (radius.get("services") or [])[:MOST_NAMES])))
    if radius.get("count"):
        yield word("notify.reach", lang, count=int(radius["count"]), named=named)
    if radius.get("unknown"):
        unknown = one_line(", ".join(map(str, radius["unknown"][:MOST_NAMES])))
        yield word("notify.reach_unknown", lang, named=unknown)


def _cause(content: Mapping[str, Any], lang: Language) -> str:
    cause, confidence = content.get("cause"), content.get("confidence")
    if not cause and content.get(
        "asked_by"
    ):  # nobody looked for a cause: none is claimed, nor that there is none
        who, why = one_line(str(content["asked_by"])), one_line(str(content.get("asked_for") or ""))
        return word("notify.asked_for" if why else "notify.asked", lang, who=who, why=why)
    if not cause:
        return word("notify.no_cause", lang)
    fault = str((content.get("diagnosis") or {}).get("fault_type") or "")
    what = (
        word("notify.cause_of", lang, cause=one_line(str(cause)), fault=fault_words(fault, lang))
        if fault
        else one_line(str(cause))
    )
    if isinstance(confidence, int | float):
        return word("notify.cause", lang, cause=what, confidence=percentage(confidence))
    return word("notify.cause_unsure", lang, cause=what)


def _alerts(content: Mapping[str, Any], lang: Language) -> Iterator[str]:
    alerts = [each for each in content.get("alerts") or () if isinstance(each, Mapping)][:MOST_ALERTS]
    count = int(content.get("alert_count") or len(alerts))
    if not alerts:
        return
    yield word("notify.alerts", lang, count=count)
    for each in alerts:
        head = word(
            "notify.alert",
            lang,
            severity=_word("severity", str(each.get("severity", "")), lang),
            name=one_line(str(each.get("name", ""))),
        )
        place = one_line(str(each.get("service") or ""))
        said = one_line(str(each.get("summary") or ""))
        yield "- " + " · ".join(part for part in (head, place, said) if part)
    if count > len(alerts):
        yield word("notify.more", lang, count=count - len(alerts))


def _recommended(plan: Mapping[str, Any], lang: Language) -> str:
    """What is recommended, in the language of the reader where it came as a sentence."""
    sentence = plan.get("sentence")
    if not isinstance(sentence, Mapping):
        return str(plan.get("action") or "")
    return say(
        Sentence(key=str(sentence.get("key")), params=tuple(dict(sentence.get("params") or {}).items())), lang
    )


def _digest_line(row: Row, lang: Language) -> str:
    content = row["payload"]["content"]
    at = moment(float(row["created_at"]), lang)
    return f"- {at} {title_of(str(row['state']), content, lang)}"


def _field(name: str, value: Any, lang: Language, shown: Any = None) -> Iterator[tuple[str, str]]:
    if value not in (None, "", [], {}):
        yield word(f"notify.field.{name}", lang), shown(value) if shown else one_line(str(value))


def _figure(value: Any) -> str:
    try:
        return number(float(value))
    except (TypeError, ValueError):
        return one_line(str(value))


def _word(kind: str, name: str, lang: Language) -> str:
    key = f"notify.{kind}.{name}"
    return word(key, lang) if has(key) else one_line(name)


def _worst(severities: Sequence[str]) -> str:
    order = ("critical", "high", "warning", "info", "low")
    return (
        min(severities, key=lambda each: order.index(each) if each in order else len(order), default="info")
        or "info"
    )


def _own(template: Any, values: Mapping[str, Any], strict: bool) -> str:
    if template is None:
        return ""
    try:
        made = render(template, values)
        if strict and not made:
            raise SettingsError("the template makes nothing; the default words would be used")
        return made
    except SettingsError as error:
        if strict:
            raise
        _log.error("a template was not used", reason=str(error), key=values["key"])
        return ""


def _named(person: Mapping[str, Any]) -> dict[str, Any]:
    """What a template sees of a person: no address."""
    return {name: person[name] for name in ("name", "language") if name in person}
