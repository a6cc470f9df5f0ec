"""Formats of log files: the time of an event and the fields that it names, whatever writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sre_copilot.perception.lines.rows import TIME, AnyField, structured
from sre_copilot.perception.lines.times import Times

Format = Literal["auto", "plain", "json", "logfmt", "xml", "syslog", "access"]

Fields = Mapping[str, Any]
NO_FIELDS: Fields = {}

_TIME = AnyField(TIME)
_ACCESS = re.compile(
    r'(?P<client>\S+) \S+ (?:\S+|[^\["]+?) \[(?P<time>[^\]]{10,40})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
)
_SYSLOG_3164 = re.compile(
    r"(?:<(?P<priority>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\S+) "
    r"(?!(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL) )(?P<host>[\w.:-]+) (?P<tag>[\w./@-]+?)(?:\[(?P<pid>\d+)\])?: "
)
_SYSLOG_5424 = re.compile(
    r"<(?P<priority>\d{1,3})>\d (?P<time>\S+) (?P<host>\S+) (?P<tag>\S+) (?P<pid>\S+) \S+ "
)
_PREFIX = re.compile(r"(</?)[A-Za-z_][\w.-]*:(?=[A-Za-z_])")
_XML_DEPTH = 20


def read_event(text: str, form: Format, times: Times) -> tuple[int | None, Fields]:
    """Return the time (ns) and the fields of an event; a text that is not of the form has the time that it begins with, if any."""
    text = text.lstrip()
    if form == "auto":
        form = guess(text)
    if form == "xml":
        return _timed(xml_fields(text), text, times)
    if form in {"json", "logfmt"}:
        return _timed(structured(text), text, times)
    if form == "access" and (found := _ACCESS.match(text)):
        return times.of(found["time"]), _access(found)
    if form == "syslog" and (found := _SYSLOG_5424.match(text) or _SYSLOG_3164.match(text)):
        return times.of(found["time"]), _syslog(found)
    return times.at_head(text), NO_FIELDS


def guess(text: str) -> Format:
    """Tell the form of an event by how it begins."""
    if text.startswith("{"):
        return "json"
    if text.startswith("<") and not text[1:2].isdigit():
        return "xml"
    if '] "' in text and _ACCESS.match(text):
        return "access"
    if _SYSLOG_5424.match(text) or _SYSLOG_3164.match(text):
        return "syslog"
    return "logfmt" if structured(text) else "plain"


def xml_fields(text: str) -> Fields:
    """Attributes and texts of an element by their names, and an attribute also as `element.attribute`.

    Entities are refused, and what is no XML has no fields.
    """
    try:
        root = fromstring(_PREFIX.sub(r"\1", text))
    except (ParseError, DefusedXmlException, ValueError):
        return NO_FIELDS
    found: dict[str, str] = {}
    _gather(root, found, 0)
    return found


def _gather(element: Element, found: dict[str, str], depth: int) -> None:
    tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    for name, value in element.attrib.items():
        bare = name.rpartition("}")[2]
        found.setdefault(f"{tag}.{bare}", value)
        found.setdefault(bare, value)
    if element.get("Name"):  # <Data Name="user">ann</Data>
        found.setdefault(element.attrib["Name"], (element.text or "").strip())
    if tag and (text := (element.text or "").strip()):
        found.setdefault(tag, text)
    if depth < _XML_DEPTH:
        for child in element:
            _gather(child, found, depth + 1)


def _timed(fields: Fields, text: str, times: Times) -> tuple[int | None, Fields]:
    value = _TIME.of((fields,)) if fields else ""
    found = times.of(value) if value else None
    return (found if found is not None else times.at_head(text)), fields


def _access(found: re.Match[str]) -> Fields:
    """A request that the server failed to answer is an error; the line itself names no level."""
    status = found["status"]
    return {"status": status, "level": "error" if status >= "500" else "info", "client": found["client"]}


def _syslog(found: re.Match[str]) -> Fields:
    named = {"service": found["tag"], "host": found["host"], "pid": found["pid"] or ""}
    kept = {name: value for name, value in named.items() if value != "-"}
    return {**kept, "level": str(int(found["priority"]) % 8)} if found["priority"] else kept
