"""The normal form of templates: what the literature takes for one and the same template.

References
----------
Khan, Shin, Bianculli and Briand, Guidelines for assessing the accuracy of log message template identification techniques, ICSE 2022,
section 4 (the rules by which templates are corrected before they are compared).
"""

from __future__ import annotations

import re

PLACEHOLDER = "<*>"

_PATH_DELIMITERS = r"([\s,!;:=|\"'\[\](){}])"
_WORD_DELIMITERS = r"([\s,!;:=|\"'\[\](){}.\-+@#$%&])"
_PATH = re.compile(r"(?:/[^/]+)+")
_VALUES = frozenset({"true", "false", "null", "root", "admin"})
_JOINED = re.compile(r"<\*>(?:[:/@#.]?<\*>)+")
_QUOTED = re.compile(r"(?<= )([\"'])<\*>\1(?= )")


def normal_form(template: str) -> str:
    """Write a template in the form in which two are compared token by token.

    White space is one space; a path, a number, a truth value, a name that stands for a value, and a word that holds a variable are variables;
    variables that only `. : / @ #` part, or nothing, are one.

    Examples
    --------
    >>> normal_form("took  <*>ms at <*>:<*> in /var/log")
    'took <*> at <*> in <*>'
    """
    text = " ".join(template.split())
    text = "".join(
        PLACEHOLDER if _PATH.fullmatch(part) else part for part in re.split(_PATH_DELIMITERS, text)
    )
    text = "".join(_word(part) for part in re.split(_WORD_DELIMITERS, text))
    before = ""
    while before != text:
        before = text
        text = _QUOTED.sub(PLACEHOLDER, _JOINED.sub(PLACEHOLDER, text))
    return text


def _word(word: str) -> str:
    """A word, or the placeholder where it is or holds a value."""
    varies = word.lower() in _VALUES or word.isdigit()
    holds = PLACEHOLDER in word and word != "<*>/<*>"
    return PLACEHOLDER if varies or holds else word
