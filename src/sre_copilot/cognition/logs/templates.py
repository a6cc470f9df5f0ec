"""Log templates: the constant text of a logging statement, and how to find it in raw messages."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from sre_copilot.cognition.logs.masking import VARIABLE

PLACEHOLDER = "<*>"

MAX_PIECES = 14
"""Tokens of a template that its pattern holds: beyond that it is long, not more specific."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of a column of messages.

    `template_id` (Int32) holds for each row the index of its template in `templates`, whose variable parts are
    written `<*>`.
    """

    template_id: pl.Series
    templates: tuple[str, ...]


def text_of(tokens: tuple[str, ...]) -> str:
    """Write tokens as a template for people."""
    return " ".join(tokens).replace(VARIABLE, PLACEHOLDER)


def pattern(template: str) -> str:
    r"""Return a regular expression that finds the template's lines in raw messages.

    Without look-around or anchors, so that it works inside wrapped (JSON) lines. White space matches any white space;
    a variable matches anything, also nothing.

    Examples
    --------
    >>> pattern("took <*> ms (a.py:42)")
    'took\\s+.*?\\s+ms\\s+\\(a\\.py:42\\)'
    """
    tokens = template.split()
    while tokens and tokens[0] == PLACEHOLDER:
        tokens.pop(0)
    tokens = tokens[:MAX_PIECES]
    while tokens and tokens[-1] == PLACEHOLDER:
        tokens.pop()
    return r"\s+".join(_piece(token) for token in tokens)


def _piece(token: str) -> str:
    parts = (re.escape(part).replace('"', r'\\?"') for part in token.split(PLACEHOLDER))
    return ".*?".join(parts)
