"""Sets of checks in files of their own: `toolsets: {name: …}` in YAML, one or many files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from sre_copilot.errors import SettingsError
from sre_copilot.settings.loading import parse, read_yaml
from sre_copilot.settings.section import Section
from sre_copilot.settings.tools import Toolset


class ToolsetFile(Section):
    """What such a file holds."""

    toolsets: dict[str, Toolset] = Field(default_factory=dict)
    """Sets by name."""


def read_toolsets(places: Sequence[Path]) -> dict[str, Toolset]:
    """Read files, and all `*.yaml` of folders, in the order of their names.

    Raises
    ------
    SettingsError : names the file and the key
    """
    found: dict[str, Toolset] = {}
    for file in _files(places):
        for name, toolset in parse(ToolsetFile, read_yaml(file), place=str(file)).toolsets.items():
            if name in found:
                raise SettingsError(
                    f"{file}: toolsets.{name}: stands in another file, too. Rename one of them."
                )
            found[name] = toolset
    return found


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(each for each in place.iterdir() if each.suffix in (".yaml", ".yml"))
        else:
            yield place
