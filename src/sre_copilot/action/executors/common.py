"""What executors of several actions have in common: checked parameters, one verb an action, effects remembered by key, time that runs out."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import jsonschema  # type: ignore[import-untyped]

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.domain.plan import Action, ActionSpec, Target

ABSENT = "(absent)"
KEPT = 1000  # keys that a process remembers; a day of the most effects that limits allow by default has fewer
UNDO = "/undo"


class Verb(Protocol):
    """One action, as `Executor` but for its specification."""

    spec: ActionSpec

    def adjust(self, action: Action) -> Action: ...
    def look(self, action: Action) -> Looked: ...
    def preview(self, action: Action) -> Preview: ...
    def backup(self, action: Action) -> Mapping[str, Any]: ...
    def execute(self, action: Action, call: Call) -> Effect: ...
    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None: ...
    def verify(self, action: Action, call: Call) -> Verified: ...
    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect: ...


class VerbExecutor:
    """An executor that hands each action to the verb of its name; effects that it has made are remembered by their keys.

    Parameters
    ----------
    allowed : glob patterns of the names of targets that may be touched, `?` and `*` as in a shell
    protected : such patterns of names that never are
    """

    def __init__(
        self,
        name: str,
        verbs: Iterable[Verb],
        *,
        allowed: Sequence[str] = ("*",),
        protected: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._verbs = {verb.spec.name: verb for verb in verbs}
        self._allowed, self._protected = tuple(allowed), tuple(protected)
        self._once = Once()

    def specs(self) -> Sequence[ActionSpec]:
        """What it can do."""
        return tuple(verb.spec for verb in self._verbs.values())

    def check(self, action: Action) -> Action:
        """The action with its parameters as they are understood, defaults filled in."""
        verb = self._verb(action)
        self._check_target(action.target, verb.spec)
        return verb.adjust(with_parameters(action, verb.spec))

    def look(self, action: Action) -> Looked:
        """The present state of the target."""
        return self._verb(action).look(self.check(action))

    def preview(self, action: Action) -> Preview:
        """What would be done."""
        return self._verb(action).preview(self.check(action))

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What `undo` needs."""
        return self._verb(action).backup(self.check(action))

    def execute(self, action: Action, call: Call) -> Effect:
        """Do it, once for each key."""
        checked = self.check(action)
        return self._once.make(call.key, lambda: self._verb(action).execute(checked, begun(call, self.name)))

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the effect of this key is there."""
        return self._verb(action).done(self.check(action), call, backup)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the target has come to the state that was asked for."""
        return self._verb(action).verify(self.check(action), call)

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Restore what was backed up, once for each key."""
        checked = self.check(action)
        return self._once.make(
            call.key, lambda: self._verb(action).undo(checked, begun(call, self.name), backup)
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def _verb(self, action: Action) -> Verb:
        if action.name not in self._verbs:
            raise refused(self.name, f"{action.name} is no action of {self.name}; it is one of {', '.join(self._verbs)}")  # fmt: skip
        return self._verbs[action.name]

    def _check_target(self, target: Target, spec: ActionSpec) -> None:
        if target.kind not in spec.kinds:
            raise refused(
                self.name, f"target.kind: {spec.name} is for {', '.join(spec.kinds)}, not for {target.kind!r}"
            )
        if not target.name or any(ord(each) < 33 for each in target.name) or target.name.startswith("-"):
            raise refused(self.name, f"target.name: {target.name!r} is no name; write it as the system shows it")  # fmt: skip
        permitted(self.name, (target.name,), allowed=self._allowed, protected=self._protected)


class Once:
    """Effects that this process has made, by key: the same key is not made twice, whoever asks."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Effect] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, key: str, effect: Callable[[], Effect]) -> Effect:
        """Make an effect, unless it was made; one that raised was not."""
        with self._lock:
            known = self._made.get(key)
        if known is not None:
            return Effect(changed=False, detail=known.detail, version=known.version)
        made = effect()
        with self._lock:
            self._made[key] = made
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made


def refused(name: str, problem: str) -> ActionError:
    """An error that says that nothing was done; the problem names the field and the way out."""
    return ActionError(f"{name}: {problem}", effect="none")


def schema(required: Sequence[str] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema of parameters that refuses unknown ones."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def with_parameters(action: Action, spec: ActionSpec) -> Action:
    """The action with defaults filled in.

    Raises
    ------
    ActionError : names the parameter that its schema does not accept; values are not repeated, one may be a secret
    """
    properties = spec.parameters.get("properties", {})
    defaults = {name: each["default"] for name, each in properties.items() if "default" in each}
    given = {**defaults, **action.parameters}
    problems = jsonschema.Draft202012Validator(dict(spec.parameters)).iter_errors(given)
    worst = jsonschema.exceptions.best_match(problems)
    if worst is not None:
        raise refused(action.executor, _problem(worst, properties))
    return Action(name=action.name, target=action.target, parameters=given)


def _problem(worst: Any, properties: Mapping[str, Any]) -> str:
    place = ".".join(("parameters", *map(str, worst.absolute_path)))
    if worst.validator == "additionalProperties":
        unknown = sorted(set(worst.instance) - set(properties))
        known = ", ".join(properties) or "none"
        return f"{place}: {', '.join(unknown)} is not known; there are: {known}"
    if worst.validator == "required":
        missing = [name for name in worst.validator_value if name not in worst.instance]
        return f"{place}: {', '.join(missing)} is missing; give it"
    wanted = json.dumps(worst.validator_value, ensure_ascii=False)
    return f"{place}: is not as its schema says ({worst.validator}: {wanted}); change it"


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name fits one of some glob patterns; case counts."""
    return any(fnmatch.fnmatchcase(name, each) for each in patterns)


def permitted(
    executor: str, names: Sequence[str], *, allowed: Sequence[str], protected: Sequence[str]
) -> None:
    """Raise unless one thing, by whichever of its names, may be touched.

    Raises
    ------
    ActionError : when one of its names is protected, or none is allowed
    """
    if hit := next((each for each in names if matches(each, protected)), None):
        raise refused(executor, f"target.name: {hit} is protected by the settings; nothing is done to it")
    if not any(matches(each, allowed) for each in names):
        raise refused(executor, f"target.name: {names[0]} is not among those that the settings allow ({', '.join(allowed)}); add it there")  # fmt: skip


def begun(call: Call, name: str) -> Call:
    """The call, provided that it was not called off and its time is not over: nothing has been changed yet."""
    if call.cancelled():
        raise ActionError(f"{name}: called off before anything was changed", effect="none")
    left(call, name)
    return call


def left(call: Call | None, name: str, *, most: float = 30.0, effect: str = "none") -> float:
    """Seconds that may still be waited, at most `most`.

    Raises
    ------
    ActionError : when the time is over
    """
    if call is None:
        return most
    seconds = call.deadline - time.monotonic()
    if seconds <= 0:
        raise ActionError(f"{name}: the time for it is over", effect=effect, retry=True)
    return min(most, seconds)


def undoing(call: Call) -> bool:
    """Whether a call is that of an undo."""
    return call.key.endswith(UNDO)


def digest(state: Any) -> str:
    """The same word for the same state, whatever the order of its keys."""
    text = json.dumps(state, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """One line a field: `spec.replicas: 1 -> 3`."""
    flat = dict(_leaves(before)), dict(_leaves(after))
    names = sorted({*flat[0], *flat[1]})
    return tuple(
        f"{name}: {_word(flat[0], name)} -> {_word(flat[1], name)}"
        for name in names
        if flat[0].get(name, ABSENT) != flat[1].get(name, ABSENT)
    )


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{inner.get('name', number)}]")
    else:
        yield place, value


def _word(flat: Mapping[str, Any], name: str) -> str:
    if name not in flat:
        return ABSENT
    return flat[name] if isinstance(flat[name], str) else json.dumps(flat[name], ensure_ascii=False)


def one_line(text: str, *, most: int = 300) -> str:
    """What a system said, in one line without control characters, and not too long."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).strip()
    return line if len(line) <= most else line[: most - 1] + "…"
