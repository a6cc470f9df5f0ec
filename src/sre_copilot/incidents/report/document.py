"""The report as JSON, and the schema of it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.report.model import Language, Report
from sre_copilot.incidents.report.words import LANGUAGES, say

VERSION = 1
_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def render(report: Report, lang: Language) -> str:
    """Write the report as JSON: the language-free data, each message with its sentence in `lang` besides.

    Control and direction-changing characters are written as escapes, so that the text is harmless in a terminal.
    """
    text = json.dumps(document(report, lang), ensure_ascii=False, indent=2, allow_nan=False)
    return _UNSAFE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def document(report: Report, lang: Language) -> dict[str, Any]:
    """Return the report as plain JSON values."""
    return {"version": VERSION, "lang": lang, **_plain(report, lang)}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document, made from the types of the report."""
    from pydantic import TypeAdapter  # noqa: PLC0415 -- 0.1 s that only the documentation needs

    made = TypeAdapter(Report).json_schema(mode="serialization")
    definitions = made.pop("$defs")
    definitions["Message"] = _message_schema()
    for each in (made, *definitions.values()):
        each.pop("description", None)  # the page about the schema describes the parts
        if "properties" in each:
            each["required"] = sorted(each["properties"])
            each["additionalProperties"] = False
    properties = {"version": {"const": VERSION}, "lang": {"enum": list(LANGUAGES)}, **made.pop("properties")}
    made["required"] = sorted(properties)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report",
        **{key: value for key, value in made.items() if key != "title"},
        "properties": properties,
        "$defs": definitions,
    }


def _message_schema() -> dict[str, Any]:
    return {
        "title": "Message",
        "type": "object",
        "properties": {
            "key": {"type": "string"},
            "params": {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}},
            "text": {"type": "string"},
        },
    }


def _plain(value: Any, lang: Language) -> Any:
    if isinstance(value, Message):
        return {
            "key": value.key,
            "params": {name: _plain(each, lang) for name, each in value.params},
            "text": say(value, lang),
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name), lang) for each in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(each, lang) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
