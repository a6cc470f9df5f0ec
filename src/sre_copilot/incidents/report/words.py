"""The message catalogue: a sentence by key and language, with its parameters filled in."""

from __future__ import annotations

import math
import re
import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.numbers import clock, date, number

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every sentence: key -> language -> sentence."""
    return _read()


def add(sentences: Mapping[str, Mapping[str, str]]) -> None:
    """Add the sentences of a plug-in's own findings, each in every language; a key that exists is kept."""
    for key, languages in sentences.items():
        _read().setdefault(key, languages)


@cache
def _read() -> dict[str, Mapping[str, str]]:
    """Read every `messages/*.toml`."""
    folder = files("sre_copilot.incidents.report") / "messages"
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            found.update(tomllib.loads(file.read_text(encoding="utf-8")))
    return found


def say(message: Message, lang: Language) -> str:
    """Say a message in a language; a missing key or parameter gives the key and the parameters, never an error.

    Parameters named `fault_type` and `modality` (also with a suffix: `fault_type_other`) are said in words, so are the
    golden signals as `signal`, the common kinds of change as `kind`, a `severity`, and other names in `_KNOWN` where the value is known, and a `length` with its units;
    percentages as the language writes them, `at` and
    those that end in `_at` as a time of day UTC, `{alerts:#alert|alerts}` with the noun that fits the number, `since` as a date and time, fractions without a format with four digits, text on one line with
    control codes made visible.
    """
    template = catalogue().get(message.key, {}).get(lang)
    if template is not None:
        try:
            return Said(_Sentence(lang).vformat(template, (), dict(message.params)))
        except (KeyError, IndexError, ValueError, AttributeError):
            pass  # a sentence that cannot be said is still shown, as key and parameters
    return Said(" ".join([message.key, *(f"{name}={_plain(value)}" for name, value in message.params)]))


def word(key: str, lang: Language, /, **params: str | float) -> str:
    """Say the sentence of one key."""
    return say(Message(key=key, params=tuple(params.items())), lang)


def told(key: str, params: Mapping[str, Any], lang: Language) -> str:
    """Say a sentence as records keep it: a parameter that is a sentence itself (a mapping of `key` and `params`) is said in the same language.

    Other parameters that are no texts and no numbers are for programs, and left out.
    """
    plain: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Mapping) and isinstance(value.get("key"), str):
            plain[name] = told(value["key"], value.get("params") or {}, lang)
        elif isinstance(value, str | int | float):
            plain[name] = value
    return say(Message(key=key, params=tuple(plain.items())), lang)


def has(key: str) -> bool:
    """Whether the catalogue holds `key`."""
    return key in catalogue()


def fault_words(identifier: str | None, lang: Language) -> str:
    """Name a fault type; one that the vocabulary lacks keeps its id."""
    if not identifier:
        return word("fault_type.unknown", lang)
    fault = FAULT_TYPES.get(identifier)
    return getattr(fault, lang) if fault else one_line(identifier)


def moment(at: float, lang: Language) -> str:
    """Write a date and a time of day UTC as the language does."""
    return word("value.moment", lang, date=date(at, lang), time=clock(at))


def metric_words(name: str, lang: Language) -> str:
    """Name a metric: in words where it is one of the golden signals."""
    return word(f"metric_name.{name}", lang) if has(f"metric_name.{name}") else one_line(name)


class Said(str):
    """Text that was said already: it is not cut or cleaned again when it becomes part of a longer sentence."""

    __slots__ = ()


COUNTED = "#"
"""Begins the form of a number with its noun: `{alerts:#alert|alerts}` is `1 alert` or `2 alerts`."""
_KNOWN = {
    "signal": "metric_name",
    "kind": "change_kind",
    "severity": "notify.severity",
    "risk_mode": "risk_mode",
    "risk_kind": "risk_kind",
    **{name: f"said.{name}" for name in ("status", "state", "level", "way", "verb", "verdict")},
}  # parameters whose common values have words
_AMOUNT = re.compile(r"(\d+) (s|min|h|d)")  # of a duration, as reports keep it: `2 h 5 min`


def length_words(length: str, lang: Language) -> str:
    """Say a duration with the units of the language."""
    return _AMOUNT.sub(lambda each: f"{each[1]} {word(f'said.unit.{each[2]}', lang)}", length)


class _Sentence(string.Formatter):
    def __init__(self, lang: Language) -> None:
        self.lang = lang

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        value = kwargs[field_name]
        name = field_name
        if name.startswith("fault_type"):
            value = fault_words(str(value), self.lang)
        elif name.startswith("modality"):
            value = word(f"modality.{value}", self.lang)
        elif name in _KNOWN and has(f"{_KNOWN[name]}.{value}"):
            value = word(f"{_KNOWN[name]}.{value}", self.lang)
        elif name == "length":
            value = length_words(str(value), self.lang)
        elif (name == "at" or name.endswith("_at")) and isinstance(value, (int, float)):
            value = clock(value)
        elif name == "since" and isinstance(value, (int, float)):  # what goes on may have begun days ago
            value = moment(value, self.lang)
        return value, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if not isinstance(value, (int, float)) or not format_spec or not math.isfinite(value):
            return _plain(value)
        if format_spec.startswith(COUNTED):
            one, _, many = format_spec[len(COUNTED) :].partition("|")
            return f"{number(value)} {one if value == 1 else many}"
        try:
            if format_spec.endswith("g"):
                return number(value, digits=int(format_spec.strip(".g")))
            text = format(value, format_spec)
            return f"{text[:-1]} %" if text.endswith("%") and self.lang == "en" else text
        except ValueError:
            return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, Said):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return one_line(str(value))
