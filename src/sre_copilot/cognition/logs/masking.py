"""Masking: a log line without its wrapping and without what plainly varies, for whole columns at once.

Three passes over a column, each one alternation without capture groups and without Unicode classes: the regular
expression engine then stays in its automaton and never looks at a character twice.
"""

from __future__ import annotations

import re

import polars as pl

VARIABLE = "\x01"
"""Stands for a variable part inside masked lines: a control character, so that no log text can hold it by intent."""

_LOCATION_MARK = "\x02"
"""Stands for the code location while the line is masked."""

HEAD = 320
"""Characters of a message that are looked at: the statement stands at the head, dumps of data follow. Few logging
statements hold more than 250 characters of constant text."""

_WORD = "[A-Za-z0-9_]"
_EDGE = r"(?-u:\b)"
_DIGIT = "[0-9]"
_REST = "[A-Za-z0-9_.:@%$/+-]*[A-Za-z0-9_%]"

LOCATION = (
    rf"[A-Za-z_$][A-Za-z0-9_$.]*#{_DIGIT}+{_EDGE}"  # Class#123
    rf"|{_WORD}[A-Za-z0-9_/-]*\.(?:py|java|go|js|ts|rb|rs|cc?|cpp|cs|php|kt|scala):{_DIGIT}+{_EDGE}"  # file.py:42
)
"""A place in the code: part of the statement, never a variable."""

_KEY_VALUE = r"=(?:\"[^\"]*\"|[^ \t,;()\[\]{}<>\"=]+)"

_CLOCK = rf"{_DIGIT}{{2}}[:,]{_DIGIT}{{2}}[:,]{_DIGIT}{{2}}(?:[.,]{_DIGIT}+)?(?:Z|[+-]{_DIGIT}{{2}}:?{_DIGIT}{{2}})?"

_VARIABLES = (
    rf"{_EDGE}(?:[Tt]race|[Ss]pan|[Rr]equest|[Rr]eq|[Cc]orrelation)[_ -]?(?:ID|Id|id)[\"']?[ ]?[:=][ ]?[\"']?[A-Za-z0-9_-]*[\"']?",
    rf"{_EDGE}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:[A-Z][a-z]{{2}} +{_DIGIT}{{1,2}}|{_DIGIT}{{1,2}} [A-Z][a-z]{{2}})"
    rf"[ 0-9:]*(?:[A-Z]{{3,4}} )?{_DIGIT}{{4}}{_EDGE}",
    rf"{_EDGE}{_DIGIT}{{4}}[-/]{_DIGIT}{{2}}[-/]{_DIGIT}{{2}}[T ,]{_CLOCK}",
    rf"{_EDGE}[a-z][a-z0-9+.-]*://[^ \t,;\"'<>\])}}]+",
    r"(?:\.{0,2}/[A-Za-z0-9_.@%+:*$~-]+)+/?|[A-Za-z]:\\[^ \t,;\"']+",  # paths
    r"[A-Za-z0-9_.+-]+@[A-Za-z0-9_.-]+",
    rf"{_EDGE}[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+:{_DIGIT}+{_EDGE}",  # host:port
    rf"<?{_EDGE}{_DIGIT}[0-9.,:]* ?(?:bytes?|[KMGT]i?B){_EDGE}(?: \([^()]*\))?",  # sizes, with their readable form
    rf"<?{_EDGE}{_DIGIT}[0-9.,:]* ?(?:[mnu]?s|[mnu]?secs?\.?|(?i-u:milliseconds?|seconds?|minutes?|hours?|mins?)){_EDGE}",
    rf"[-+]?[A-Za-z_$.@-]*{_DIGIT}{_REST}|[-+]?[A-Za-z_$.@-]*{_DIGIT}",  # whatever holds a digit
)
_ANY = "|".join(f"(?:{each})" for each in _VARIABLES)

_RUN = r"\x01(?:(?:, ?| +|/|-|:)\x01)+"

_JSON_KEYS = ("message", "msg", "log", "event")


def unwrap(messages: pl.Series) -> pl.Series:
    """Take the head of the message out of JSON and logfmt lines; other lines keep their first line."""
    text = messages.fill_null("")
    head = text.str.slice(0, HEAD)
    json = head.str.starts_with("{")
    if json.any():
        head = _first_found(head, text, json, [f"$.{key}" for key in _JSON_KEYS])
    logfmt = head.str.contains(r"^[A-Za-z0-9_]+=") & head.str.contains(" msg=", literal=True)
    if logfmt.any():
        quoted = text.str.extract(r" msg=\"((?:[^\"\\]|\\.)*)\"")
        found = pl.DataFrame([head.alias("h"), logfmt.alias("w"), quoted.alias("q")])
        plain = pl.col("h").str.extract(r" msg=([^ \"]+)")
        message = pl.when("w").then(pl.coalesce("q", plain, "h")).otherwise("h")
        head = found.select(message.str.slice(0, HEAD)).to_series()
    return head.str.replace(r"[\r\n][\s\S]*$", "") if head.str.contains(r"[\r\n]").any() else head


def mask(messages: pl.Series) -> pl.Series:
    """Replace what plainly varies by `VARIABLE`; a code location and the keys of `key=value` stay.

    Parameters
    ----------
    messages : String, a line each, of any length

    Returns
    -------
    String of equal length, one to three orders of magnitude fewer distinct values; `split` makes tokens of them
    """
    head = unwrap(messages)
    location = head.str.extract(f"({LOCATION})").fill_null("")
    masked = (
        head.str.replace_all(VARIABLE, " ", literal=True)
        .str.replace(LOCATION, _LOCATION_MARK)
        .str.replace_all(_KEY_VALUE, "=" + VARIABLE)
        .str.replace_all(_ANY, VARIABLE)
        .str.replace_all(_RUN, VARIABLE)
    )
    return location + _LOCATION_MARK + masked


def split(masked: str) -> tuple[str, ...]:
    """The tokens of a masked line, its code location back in its place."""
    location, _, line = masked.partition(_LOCATION_MARK)
    return tuple(line.replace(_LOCATION_MARK, location).split()) or ("",)


def is_location(token: str) -> bool:
    """Whether a token names a place in the code."""
    return _LOCATION_TOKEN.search(token) is not None


_LOCATION_TOKEN = re.compile(LOCATION.replace("(?-u:\\b)", "\\b"))


def _first_found(head: pl.Series, text: pl.Series, wrapped: pl.Series, paths: list[str]) -> pl.Series:
    frame = pl.DataFrame([head.alias("h"), text.alias("t"), wrapped.alias("w")])
    inside = pl.when("w").then("t")
    found = pl.coalesce(*(inside.str.json_path_match(path) for path in paths), "h")
    return frame.select(found.str.slice(0, HEAD)).to_series()
