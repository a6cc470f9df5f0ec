"""Wording of one's own: Jinja2 in a sandbox, compiled when the configuration is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sre_copilot.clock import rfc3339
from sre_copilot.errors import SettingsError
from sre_copilot.settings.alerting.notify import Templates

LARGEST = 50_000  # characters of a template
LONGEST = 100_000  # characters that it may make: more than any platform takes


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates of a receiver; None where the default words are used."""

    title: Template | None = None
    text: Template | None = None


DEFAULT = Wording()
"""The default words."""


def compiled(templates: Templates, *, place: str) -> Wording:
    """Compile what is configured.

    Raises
    ------
    SettingsError : names the template, the line, and what is wrong
    """
    found = {}
    for name in ("title", "text"):
        source = getattr(templates, name)
        file: Path | None = getattr(templates, f"{name}_file")
        if file is not None:
            source = read(file, place=f"{place}.{name}_file")
        found[name] = template(source, place=f"{place}.{name}") if source else None
    return Wording(**found)


def read(file: Path, *, place: str) -> str:
    """The text of a template."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{place} ({file}): cannot be read: {type(error).__name__}") from None


def template(source: str, *, place: str) -> Template:
    """Compile one template."""
    if len(source) > LARGEST:
        raise SettingsError(f"{place}: has more than {LARGEST:,} characters; shorten it")
    try:
        return _environment().from_string(source)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise SettingsError(f"{place}: {f'line {line}: ' if line else ''}{error.message}") from None


def render(wanted: Template, values: Mapping[str, Any]) -> str:
    """Fill a template in.

    Raises
    ------
    SettingsError : says why it cannot be filled in
    """
    made, length = [], 0
    try:
        for piece in wanted.generate(**values):
            made.append(piece)
            length += len(piece)
            if length > LONGEST:
                break
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise SettingsError(f"the template cannot be filled in: {type(error).__name__}: {error}") from None
    return "".join(made)[:LONGEST].strip()


def _environment() -> ImmutableSandboxedEnvironment:
    # what comes of it is plain text that each service escapes: escaping here would show people entities
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {"rfc3339": rfc3339}
    environment.filters.update(filters)
    return environment
