"""Matchers as people write them: the grammar with UTF-8 names, and the older one that it falls back to, as Alertmanager does.

Both are tried. Where only one reads the text, that one counts; where both read it and differ, the older one does, so that no existing configuration
changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import re2  # type: ignore[import-untyped]

from sre_copilot.alerts.go_text import SPACES, unquoted
from sre_copilot.errors import UsageError

Operator = Literal["=", "!=", "=~", "!~"]
RESERVED = SPACES | frozenset("{}!=~,\\\"'`")
"""What a name or a value cannot hold unless it is quoted."""
MAX_LENGTH = 65_536
"""Longest text that is read: far beyond any matcher, and short enough to be read in milliseconds."""
WAY_OUT = 'write name="value", name!="value", name=~"pattern" or name!~"pattern", several by commas'

_CLASSIC = re2.compile(r"^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*((?s).*?)\s*$")


@dataclass(frozen=True, slots=True)
class Parsed:
    """One matcher as it was read: name, operator, value."""

    name: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["word", "operator", "{", "}", ",", "end"]
    text: str
    column: int


class _UnreadableError(Exception):
    """A grammar does not take the text; says what it expected and where."""


def parsed(text: str) -> tuple[Parsed, ...]:
    """Read one or several matchers, with or without braces.

    >>> parsed('{job="api", env!~"test|dev"}')
    (Parsed(name='job', operator='=', value='api'), Parsed(name='env', operator='!~', value='test|dev'))

    Raises
    ------
    UsageError : when neither grammar takes it
    """
    if len(text) > MAX_LENGTH:
        raise UsageError(f"a matcher of {len(text)} characters; {MAX_LENGTH} can be read")
    modern = problem = None
    try:
        modern = _modern(text)
    except _UnreadableError as error:
        problem = str(error)
    try:
        classic = _classic(text)
    except _UnreadableError:
        if modern is None:
            raise UsageError(f"{text!r} is no matcher: {problem}; {WAY_OUT}") from None
        return modern
    return classic


def _modern(text: str) -> tuple[Parsed, ...]:
    """The grammar of Alertmanager 0.27 and later."""
    tokens = list(_tokens(text))
    braced = tokens[0].kind == "{"
    found, at = [], int(braced)
    while tokens[at].kind not in {"end", "}"}:
        found.append(_matcher(tokens[at : at + 3]))
        at += 3
        if tokens[at].kind == ",":
            at += 1
        elif tokens[at].kind not in {"end", "}"}:
            raise _expected("a comma or the end", tokens[at])
    if braced:
        if tokens[at].kind != "}":
            raise _expected("a closing brace", tokens[at])
        at += 1
    if tokens[at].kind != "end":
        raise _expected("the end", tokens[at])
    return tuple(found)


def _matcher(tokens: list[_Token]) -> Parsed:
    """The matcher that three tokens are."""
    wanted = (("word", "a label name"), ("operator", "one of =, !=, =~, !~"), ("word", "a value"))
    for token, (kind, what) in zip(tokens, wanted, strict=False):
        if token.kind != kind:
            raise _expected(what, token)
    name, operator, value = tokens
    if not name.text:
        raise _expected("a label name that is not empty", name)
    return Parsed(name.text, operator.text, value.text)  # type: ignore[arg-type]


def _expected(what: str, token: _Token) -> _UnreadableError:
    found = "the end" if token.kind == "end" else repr(token.text)
    return _UnreadableError(f"{what} was expected at column {token.column + 1}, not {found}")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in SPACES:
            at += 1
            continue
        token, at = _token(text, at, letter)
        yield token
    yield _Token("end", "", len(text))


def _token(text: str, at: int, letter: str) -> tuple[_Token, int]:
    """The token that begins at a place, and where it ends."""
    if letter in "{},":
        return _Token(letter, letter, at), at + 1  # type: ignore[arg-type]
    if text[at : at + 2] in ("=~", "!=", "!~"):
        return _Token("operator", text[at : at + 2], at), at + 2
    if letter == "=":
        return _Token("operator", "=", at), at + 1
    if letter == '"':
        end = _closing(text, at)
        try:
            return _Token("word", unquoted(text[at + 1 : end]), at), end + 1
        except (ValueError, OverflowError) as error:  # UnicodeError is a ValueError
            raise _UnreadableError(f"the quoted text at column {at + 1} cannot be read ({error})") from None
    if letter in RESERVED:
        raise _UnreadableError(f"{letter!r} at column {at + 1} must be quoted")
    end = at
    while end < len(text) and text[end] not in RESERVED:
        end += 1
    return _Token("word", text[at:end], at), end


def _closing(text: str, at: int) -> int:
    """Where the quote that opens at `at` is closed."""
    end = at + 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise _UnreadableError(f"the quote at column {at + 1} is not closed")
    return end


def _classic(text: str) -> tuple[Parsed, ...]:
    """The grammar of Alertmanager up to 0.26."""
    return tuple(map(_classic_matcher, _parts(text.removeprefix("{").removesuffix("}"))))


def _parts(text: str) -> list[str]:
    """What stands between commas outside of quotes; a comma at the end adds nothing."""
    parts, part = [], ""
    inside = escaped = False
    for letter in text:
        if letter == "," and not inside:
            parts.append(part)
            part = ""
            continue
        if letter == '"':
            inside, escaped = (inside, False) if escaped else (not inside, False)
        elif letter == "\\":
            escaped = not escaped
        elif letter != ",":
            escaped = False
        part += letter
    rest = part.strip("".join(SPACES))
    return [*parts, rest] if rest else parts


def _classic_matcher(text: str) -> Parsed:
    found = _CLASSIC.search(text)
    if not found:
        raise _UnreadableError(f"{text!r} is not of the form name=value")
    name, operator, value = found.groups()
    return Parsed(name, operator, _classic_value(value))


def _classic_value(raw: str) -> str:
    """A value with or without quotes; an escape that means nothing stands for itself."""
    is_quoted = raw.startswith('"')
    body = raw[1:] if is_quoted else raw
    out, at, closed = "", 0, False
    while at < len(body):
        letter = body[at]
        if letter == '"':
            if not is_quoted or at < len(body) - 1:
                raise _UnreadableError("a quote inside a value must be escaped")
            closed = True
        elif letter == "\\" and at < len(body) - 1:
            at += 1
            out += {"n": "\n", '"': '"', "\\": "\\"}.get(body[at], "\\" + body[at])
        else:
            out += letter
        at += 1
    if is_quoted and not closed:
        raise _UnreadableError("the quote of a value is not closed")
    return out
