"""Masking: a log line without its wrapping and without what plainly varies, for whole columns at once.

The kernel masks words, byte by byte; what needs a look at neighbouring words (`3 bytes`, `Fri Jun 3 2005`) is done here on the few distinct shapes that
it leaves.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.logs.kernel import HEAD, MARK
from sre_copilot.cognition.logs.shapes import Shapes

VARIABLE = chr(MARK)
"""Stands for a variable part inside masked lines."""

LOCATION = (
    r"[A-Za-z_$][A-Za-z0-9_$.]*#[0-9]+\b"  # Class#123
    r"|[A-Za-z0-9_][A-Za-z0-9_/-]*\.(?:py|java|go|js|ts|rb|rs|cc?|cpp|cs|php|kt|scala):[0-9]+\b"  # file.py:42
)
"""A place in the code: part of the statement, never a variable."""

_IDENTIFIER = (
    r"(?-u:\b)(?:[Tt]race|[Ss]pan|[Rr]equest|[Rr]eq|[Cc]orrelation)[_ -]?(?:ID|Id|id)[\"']?[ ]?[:=][ ]?[\"']?"
    r"[A-Za-z0-9_\x01-]*[\"']?"
)
_DATE = r"(?-u:\b)(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:[A-Z][a-z]{2} \x01|\x01 [A-Z][a-z]{2} \x01)(?: [A-Z]{3,4} \x01)?"
_SIZE = r"<?\x01 ?(?:bytes?|[KMGT]i?B)(?-u:\b)(?: \([^()]*\))?"
_DURATION = r"<?\x01 ?(?:[mnu]?s|[mnu]?secs?\.?|(?i-u:milliseconds?|seconds?|minutes?|hours?|mins?))(?-u:\b)"
_PHRASES = "|".join(f"(?:{each})" for each in (_IDENTIFIER, _DATE, _SIZE, _DURATION))

_RUN = r"\x01(?:(?:, ?| +|/|-|:)?\x01)+"

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


def joined(messages: pl.Series) -> bytes:
    """Unwrapped messages as one buffer, a line each."""
    text: str = unwrap(messages).str.join("\n").item() or ""
    return text.encode() + b"\n" if len(messages) else b""


def number_lines(shapes: Shapes, messages: pl.Series) -> NDArray[np.int32]:
    """The shape of each message; those of several lines are unwrapped first, for a message may stand in any of its lines."""
    text = messages.fill_null("")
    if text.str.contains(r"[\r\n]").any():
        return shapes.add(joined(text))
    whole: str = text.str.join("\n").item() or ""
    return shapes.add(whole.encode() + b"\n" if len(text) else b"", unwrap=unwrapped)


def unwrapped(buffer: bytes) -> bytes:
    """A buffer of raw lines with their messages taken out of JSON and logfmt."""
    lines = buffer.decode(errors="replace").removesuffix("\n").split("\n")
    return joined(pl.Series(lines, dtype=pl.String))


def fold(shapes: pl.Series) -> pl.Series:
    """Make one variable of the phrases around variables: sizes and durations with their units, dates, identifiers of requests."""
    return shapes.str.replace_all(_PHRASES, VARIABLE).str.replace_all(_RUN, VARIABLE)


def mask(messages: pl.Series) -> pl.Series:
    """Replace what plainly varies by `VARIABLE`; a code location and the keys of `key=value` stay.

    Parameters
    ----------
    messages : String, a line each, of any length

    Returns
    -------
    String of equal length, one to three orders of magnitude fewer distinct values; `split` makes tokens of them
    """
    shapes = Shapes()
    numbers = number_lines(shapes, messages)
    return fold(shapes.texts(0, shapes.count)).gather(numbers.astype(np.uint32))


def split(masked: str) -> tuple[str, ...]:
    """The tokens of a masked line."""
    return tuple(masked.split()) or ("",)


def is_location(token: str) -> bool:
    """Whether a token names a place in the code."""
    return ("#" in token or ":" in token) and _LOCATION_TOKEN.search(token) is not None


_LOCATION_TOKEN = re.compile(LOCATION)


def _first_found(head: pl.Series, text: pl.Series, wrapped: pl.Series, paths: list[str]) -> pl.Series:
    frame = pl.DataFrame([head.alias("h"), text.alias("t"), wrapped.alias("w")])
    inside = pl.when("w").then("t")
    found = pl.coalesce(*(inside.str.json_path_match(path) for path in paths), "h")
    return frame.select(found.str.slice(0, HEAD)).to_series()
