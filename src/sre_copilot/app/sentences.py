"""Sentences that plug-ins bring for what they find and do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sre_copilot.errors import PluginError
from sre_copilot.incidents.report.words import LANGUAGES, add
from sre_copilot.plugins import load


@cache
def register_sentences() -> None:
    """Add the sentences that plug-ins bring for their own findings, once.

    Raises
    ------
    PluginError : when one is no mapping key -> language -> sentence, or lacks a language
    """
    for name, sentences in load("sre_copilot.sentences").items():
        check_sentences(name, sentences)
        add(sentences)


def check_sentences(name: str, sentences: object) -> None:
    """Raise when the sentences of a plug-in are not of the form that the catalogue has."""
    pairs = sentences.items() if isinstance(sentences, Mapping) else [("", None)]
    for key, languages in pairs:
        said = languages if isinstance(languages, Mapping) else {}
        if not isinstance(key, str) or not all(isinstance(said.get(lang), str) for lang in LANGUAGES):
            raise PluginError(
                f"sre_copilot.sentences '{name}'{f', key {key!r}' if key else ''}: is no mapping of a key to "
                f"sentences in {' and '.join(LANGUAGES)}. Correct it in its package, or uninstall that."
            )
