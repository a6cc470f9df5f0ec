"""From the configuration to notifiers: each entry names its `type`, and its other keys are the settings of that type."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from sre_copilot.action.notify.service import Service
from sre_copilot.errors import SettingsError
from sre_copilot.plugins import load_one, registered
from sre_copilot.settings.loading import parse

GROUP = "sre_copilot.notifiers"


def attaches(kind: str) -> bool:
    """Whether files go along with messages of this `type` of notifier."""
    return bool(load_one(GROUP, kind).attaches)


def open_notifier(entry: Mapping[str, Any], *, place: str) -> Service[Any]:
    """Make one notifier; nothing is sent yet.

    Raises
    ------
    SettingsError : names the entry, the key, and the way out
    """
    kinds = [plugin.name for plugin in registered(GROUP)]
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        near = difflib.get_close_matches(str(kind), kinds, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(kinds)}"
        raise SettingsError(f"{place}.type: {kind!r} is no notifier; {hint}")
    chosen = load_one(GROUP, kind)
    rest = {key: value for key, value in entry.items() if key != "type"}
    settings = parse(chosen.Settings, rest, place=f"{place} ({kind})")
    try:
        made: Service[Any] = chosen(settings)
    except SettingsError as error:
        raise SettingsError(f"{place} ({kind}): {error}") from None
    return made
