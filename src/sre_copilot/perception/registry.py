"""From the configuration to sources: each entry names its `type`, and its other keys are the settings of that type."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from sre_copilot.errors import SettingsError, SreCopilotError
from sre_copilot.perception.source import Source
from sre_copilot.plugins import load
from sre_copilot.settings.loading import parse

GROUP = "sre_copilot.sources"


def open_sources(entries: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Make every source that is configured; nothing is asked of any system yet.

    Raises
    ------
    SettingsError : names the entry, the key, and the way out
    """
    opened: list[Source] = []
    for number, entry in enumerate(entries):
        try:
            opened.append(open_source(entry, place=f"sources[{number}]"))
            _check_name(opened, number)
        except SreCopilotError:
            for source in opened:
                source.close()
            raise
    return tuple(opened)


def _check_name(opened: Sequence[Source], number: int) -> None:
    """Raise when the last one has the name of another."""
    name = opened[-1].name
    if any(name == other.name for other in opened[:-1]):
        raise SettingsError(
            f"sources[{number}].name: '{name}' stands twice; give each source a name of its own"
        )


def open_source(entry: Mapping[str, Any], *, place: str = "source") -> Source:
    """Make one source."""
    kinds = load(GROUP)
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        near = difflib.get_close_matches(str(kind), kinds, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(sorted(kinds))}"
        raise SettingsError(f"{place}.type: {kind!r} is no source; {hint}")
    chosen = kinds[kind]
    rest = {key: value for key, value in entry.items() if key != "type"}
    settings = parse(chosen.Settings, {"name": kind, **rest}, place=f"{place} ({kind})")
    source: Source = chosen(settings)
    return source
