"""Labels, annotations and addresses of a payload, checked: what is kept is text of a bounded length without zero characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from sre_copilot.alerts.intake.reader import IntakeConfig, Limits, Unreadable, kind
from sre_copilot.domain.alert import ALERTNAME

UNNAMED = "unnamed"
"""The `alertname` of an alert that was sent without one."""
_CUT = "…"
_SHOWN = 60  # characters of a foreign name that an error repeats
_ZERO = "\0"
_INSTEAD = "�"


def labels_of(given: Any, *, intake: IntakeConfig, field: str = "labels") -> dict[str, str]:
    """Labels as Alertmanager takes them: names and values are any text, an empty value is as none, and one must be left."""
    if not isinstance(given, dict):
        raise Unreadable(field, f"must be an object of text, not {kind(given)}")
    limits = intake.limits
    if len(given) > limits.labels:
        raise Unreadable(field, f"are {len(given):,}; give at most {limits.labels}")
    kept = dict(intake.labels)
    for name, value in given.items():
        if not isinstance(value, str):
            raise Unreadable(f"{field}.{name[:_SHOWN]}", f"must be text, not {kind(value)}")
        if not value:
            continue
        if not name or len(name) > limits.name or len(value) > limits.value:
            raise _wrong_length(field, name, limits)
        if _ZERO in value or _ZERO in name:
            raise Unreadable(f"{field}.{name[:_SHOWN]}", "holds a zero character (U+0000); leave it out")
        kept[name] = value
    if not kept:
        raise Unreadable(field, "hold no value; at least one label is needed")
    return kept


def named_labels(given: Any, *, intake: IntakeConfig) -> dict[str, str]:
    """Labels with the name that every alert has here."""
    kept = labels_of(given, intake=intake)
    if ALERTNAME not in kept:
        kept[ALERTNAME] = UNNAMED
    return kept


def labels_from(pairs: Iterable[tuple[str, Any]], *, intake: IntakeConfig) -> dict[str, str]:
    """Labels out of values of any kind: a number or a word becomes text, what is not there is left out."""
    return named_labels(
        {name: as_text(value, f"labels.{name}", limits=intake.limits) for name, value in pairs}, intake=intake
    )


def annotations_of(given: Any, *, limits: Limits, field: str = "annotations") -> dict[str, str]:
    """Annotations: what is no text is written as JSON, what is too long is cut, what is empty is left out."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Unreadable(field, f"must be an object of text, not {kind(given)}")
    if len(given) > limits.labels:
        raise Unreadable(field, f"are {len(given):,}; give at most {limits.labels}")
    kept: dict[str, str] = {}
    for name, value in given.items():
        text = value if isinstance(value, str) else as_text(value, f"{field}.{name[:_SHOWN]}", limits=limits)
        if text and name:
            kept[cleaned(name, limits.name)] = cleaned(text, limits.text)
    return kept


def cleaned(text: str, longest: int) -> str:
    """A text without zero characters, cut where it is too long."""
    if _ZERO in text:
        text = text.replace(_ZERO, _INSTEAD)
    return text if len(text) <= longest else text[: longest - 1] + _CUT


def as_text(value: Any, field: str, *, limits: Limits) -> str:
    """A value as text: JSON where it is a list or an object; '' for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict | list) and deeper_than(value, limits.depth):
        raise Unreadable(field, f"is nested deeper than {limits.depth} levels; send it flatter")
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits
        raise Unreadable(field, "cannot be written as JSON; send it as text") from None


def deeper_than(value: Any, levels: int) -> bool:
    """Whether a value has more levels of lists and objects; level by level, so that depth costs no stack."""
    row = [value]
    for _ in range(levels):
        row = [inner for each in row if isinstance(each, dict | list) for inner in _inner(each)]
        if not row:
            return False
    return any(isinstance(each, dict | list) for each in row)


def address_of(value: Any, *, limits: Limits) -> str:
    """An address of the web; '' for anything else, for it is shown to people as a link."""
    if not isinstance(value, str) or len(value) > limits.address or _ZERO in value:
        return ""
    return value if value.startswith(("http://", "https://")) else ""


def links_of(pairs: Mapping[str, Any], *, limits: Limits) -> tuple[tuple[str, str], ...]:
    """Address and text of each link that can be shown; `pairs` has the addresses by text."""
    return tuple(
        (address, text)
        for text, value in pairs.items()
        if value and (address := address_of(value, limits=limits))
    )


def _inner(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _wrong_length(field: str, name: str, limits: Limits) -> Unreadable:
    if not name:
        return Unreadable(field, "hold one without a name; name it")
    if len(name) > limits.name:
        return Unreadable(
            f"{field}.{name[:_SHOWN]}", f"has a name of more than {limits.name} characters; shorten it"
        )
    return Unreadable(
        f"{field}.{name[:_SHOWN]}",
        f"has more than {limits.value:,} characters; shorten it, or make it an annotation",
    )
