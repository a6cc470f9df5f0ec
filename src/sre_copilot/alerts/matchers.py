"""Matchers on labels with Alertmanager's meaning: a label that is missing counts as empty, and a pattern must match the whole value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.alerts.go_text import quoted
from sre_copilot.alerts.matcher_text import RESERVED, Operator, Parsed, parsed
from sre_copilot.alerts.patterns import Pattern, pattern
from sre_copilot.errors import UsageError

OPERATORS: tuple[Operator, ...] = ("=", "!=", "=~", "!~")
"""In the order in which Alertmanager sorts them."""


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """A condition on one label: `=` equal, `!=` not equal, `=~` matches a pattern of linear time (RE2), `!~` does not match it.

    >>> Matcher("job", "=~", "api|web").accepts("web")
    True
    """

    name: str
    operator: Operator = field(compare=False)
    value: str
    _rank: int = field(init=False, repr=False)
    _pattern: Pattern | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rank", OPERATORS.index(self.operator))
        object.__setattr__(self, "_pattern", pattern(self.value) if self.is_regex else None)

    @property
    def is_regex(self) -> bool:
        """Whether the value is a pattern."""
        return self.operator in ("=~", "!~")

    @property
    def is_equal(self) -> bool:
        """Whether it asks for agreement, not for difference."""
        return self.operator in ("=", "=~")

    @property
    def text(self) -> str:
        """Itself as Alertmanager writes it, in logs, route keys and `amtool`."""
        if RESERVED.isdisjoint(self.name):
            escaped = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
            return f'{self.name}{self.operator}"{escaped}"'
        return f"{quoted(self.name)}{self.operator}{quoted(self.value)}"

    @property
    def accepts_empty(self) -> bool:
        """Whether a missing label fulfils it."""
        return self.accepts("")

    def accepts(self, value: str) -> bool:
        """Whether a value fulfils it."""
        if self._pattern is None:
            return (value == self.value) is (self.operator == "=")
        return self._pattern.matches(value) is (self.operator == "=~")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a label set fulfils it."""
        return self.accepts(labels.get(self.name, ""))

    def to_api(self) -> dict[str, Any]:
        """Itself in the form of Alertmanager's API."""
        return {
            "name": self.name,
            "value": self.value,
            "isRegex": self.is_regex,
            "isEqual": self.is_equal,
        }


def of_parsed(read: Parsed) -> Matcher:
    """The matcher that was read."""
    return Matcher(read.name, read.operator, read.value)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Read `{a="b",c=~"d"}`, with or without braces and quotes, in the order in which they stand.

    Raises
    ------
    UsageError : when it is no list of matchers; says where and what to write
    """
    return tuple(map(of_parsed, parsed(text)))


def parse_labels(arguments: Iterable[str]) -> dict[str, str]:
    """Read labels as `amtool` takes them: `name=value`, each an argument of its own or several by commas.

    Raises
    ------
    UsageError : for anything else than `=`
    """
    labels = {}
    for argument in arguments:
        for matcher in parse_matchers(argument):
            if matcher.operator != "=":
                raise UsageError(f"{argument!r}: a label has a value; write {matcher.name}=VALUE")
            labels[matcher.name] = matcher.value
    return labels


def equal_matchers(values: Mapping[str, str]) -> tuple[Matcher, ...]:
    """What the older key `match` says."""
    return tuple(Matcher(name, "=", value) for name, value in values.items())


def regex_matchers(values: Mapping[str, str]) -> tuple[Matcher, ...]:
    """What the older key `match_re` says; Alertmanager anchors these when it reads them, and their text shows it."""
    return tuple(Matcher(name, "=~", f"^(?:{pattern})$") for name, pattern in values.items())


def of_api(data: Any) -> Matcher:
    """A matcher in the form of Alertmanager's API; `isEqual` is true where it does not stand.

    Raises
    ------
    UsageError : when a field is missing or of another type; names it
    """
    if not isinstance(data, Mapping):
        raise UsageError("must be an object with name, value, isRegex and isEqual")
    name, value = data.get("name"), data.get("value")
    is_regex, is_equal = data.get("isRegex", False), data.get("isEqual", True)
    if not isinstance(name, str) or not name:
        raise UsageError("name: must be a label name")
    if not isinstance(value, str):
        raise UsageError("value: must be text; '' for a label that is missing")
    if not isinstance(is_regex, bool) or not isinstance(is_equal, bool):
        raise UsageError("isRegex, isEqual: must be true or false")
    return Matcher(name, OPERATORS[2 * is_regex + (not is_equal)], value)


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether a label set fulfils them all."""
    return all(matcher.matches(labels) for matcher in matchers)


def canonical(matchers: Iterable[Matcher]) -> str:
    """Several matchers as one text, sorted as Alertmanager does; equal sets have equal texts.

    >>> canonical(parse_matchers('b="2",a!="1"'))
    '{a!="1",b="2"}'
    """
    return f"{{{','.join(matcher.text for matcher in sorted(matchers))}}}"
