"""The catalogue: every configured executor, and what it can do; actions that are not in it do not exist."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sre_copilot.action.executor import ActionError, Executor
from sre_copilot.action.guarded import Guarded
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.errors import SettingsError
from sre_copilot.plugins import load_one, registered
from sre_copilot.settings.loading import parse
from sre_copilot.settings.section import Section

GROUP = "sre_copilot.executors"


class Catalogue:
    """Executors by name and actions by name.

    Raises
    ------
    SettingsError : when two executors have one name, or an action is not named after its executor
    """

    def __init__(self, executors: Iterable[Executor] = ()) -> None:
        self._executors: dict[str, Executor] = {}
        self._specs: dict[str, ActionSpec] = {}
        for each in executors:
            if each.name in self._executors:
                raise SettingsError(
                    f"actions.executors: {each.name!r} stands twice; give each a name of its own"
                )
            self._executors[each.name] = each
            self._specs.update((spec.name, spec) for spec in _named(each))

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """All that can be done, by name."""
        return tuple(self._specs[name] for name in sorted(self._specs))

    def spec(self, name: str) -> ActionSpec:
        """What is known of an action.

        Raises
        ------
        ActionError : when there is none of this name
        """
        if name not in self._specs:
            near = difflib.get_close_matches(name, self._specs, n=1)
            known = ", ".join(sorted(self._specs)) or "none; configure actions.executors"
            hint = f"did you mean {near[0]}?" if near else f"there are: {known}"
            raise ActionError(f"action {name!r}: is not in the catalogue; {hint}", effect="none")
        return self._specs[name]

    def executor(self, action: Action) -> Executor:
        """Who carries an action out; only `hands` asks it to.

        Raises
        ------
        ActionError : when the action is not in the catalogue, or its target belongs to another executor or kind
        """
        spec, name = self.spec(action.name), action.executor
        if action.target.executor != name:
            raise ActionError(
                f"target.executor: is {action.target.executor!r}, but {action.name} is done by {name!r}; "
                "name a target of that executor.",
                effect="none",
            )
        if action.target.kind not in spec.kinds:
            kinds = ", ".join(spec.kinds) or "none"
            raise ActionError(
                f"target.kind: {action.name} is not done to a {action.target.kind!r}; it takes {kinds}.",
                effect="none",
            )
        return Guarded(self._executors[name])

    def check(self, action: Action) -> Action:
        """The action as its executor understands it, with defaults; reaches nothing.

        Raises
        ------
        ActionError : names what cannot be used, and the way out
        """
        return self.executor(action).check(action)


def open_catalogue(entries: Sequence[Mapping[str, Any]]) -> Catalogue:
    """Make every executor that is configured; nothing is asked of any system yet.

    Raises
    ------
    SettingsError : names the entry, the key, and the way out
    """
    return Catalogue(
        open_executor(entry, place=f"actions.executors[{number}]") for number, entry in enumerate(entries)
    )


def open_executor(entry: Mapping[str, Any], *, place: str) -> Executor:
    """Make one executor."""
    kinds = [plugin.name for plugin in registered(GROUP)]
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        near = difflib.get_close_matches(str(kind), kinds, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(kinds) or 'none'}"
        raise SettingsError(f"{place}.type: {kind!r} is no executor; {hint}")
    chosen = load_one(GROUP, kind)
    rest = {key: value for key, value in entry.items() if key != "type"}
    settings = parse(_settings_of(chosen), rest, place=f"{place} ({kind})")
    try:
        made: Executor = chosen(settings)
    except SettingsError as error:
        raise SettingsError(f"{place} ({kind}): {error}") from None
    return made


def _settings_of(chosen: Any) -> type[Section]:
    """The class of its settings: on the executor itself, or beside it."""
    found: type[Section] = getattr(chosen, "Settings", None) or sys.modules[chosen.__module__].SETTINGS
    return found


def _named(executor: Executor) -> Sequence[ActionSpec]:
    specs = executor.specs()
    for spec in specs:
        if spec.name.partition(".")[0] != executor.name:
            raise SettingsError(
                f"actions.executors: {executor.name!r} offers {spec.name!r}; its actions are named {executor.name}.VERB"
            )
    return specs
