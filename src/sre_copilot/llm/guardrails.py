"""The operator's own rules about what is sent: redact, block, audit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import re2  # type: ignore[import-untyped]

from sre_copilot.settings.llm import GuardrailRule
from sre_copilot.telemetry import audit, log


class Blocked(Exception):  # noqa: N818 - a decision, not a mistake
    """A rule forbids to send a text; it names the rule, never the text."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"the rule '{rule}' forbids to send this")


@dataclass(frozen=True, slots=True)
class _Rule:
    settings: GuardrailRule
    patterns: tuple[Any, ...]


class Guardrails:
    """Rules in the order in which they stand."""

    def __init__(self, rules: list[GuardrailRule]) -> None:
        self._rules = [_Rule(rule, _patterns(rule)) for rule in rules if rule.enabled]

    def applied(self, text: str) -> str:
        """The text as it may be sent.

        Raises
        ------
        Blocked : when it may not be sent at all
        """
        for rule in self._rules:
            text = _applied(rule, text)
        return text


def _applied(rule: _Rule, text: str) -> str:
    name = rule.settings.name
    count = sum(1 for pattern in rule.patterns for _ in pattern.finditer(text))
    if not count:
        return text
    if rule.settings.action == "block":
        log(__name__).warning("nothing was sent to the model: a rule forbids it", rule=name)
        raise Blocked(name)
    if rule.settings.action == "audit":
        audit("text that a rule names was sent to a model", by="guardrails", matches=count, rule=name)
        return text
    replacement = rule.settings.replacement or f"[{name}]"
    for pattern in rule.patterns:
        text = pattern.sub(lambda _: replacement, text)
    return text


def _patterns(rule: GuardrailRule) -> tuple[Any, ...]:
    words = [re2.compile("(?i)" + re2.escape(word)) for word in rule.keywords if word]
    return (*(re2.compile(pattern) for pattern in rule.patterns), *words)


def named(rules: list[GuardrailRule]) -> list[str]:
    """The names of the rules that count."""
    return [re.sub(r"\s+", " ", rule.name) for rule in rules if rule.enabled]
