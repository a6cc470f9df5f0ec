"""Reading the configuration: YAML, then `.env`, then the environment; what is unknown is an error with the nearest name.

`SRE_COPILOT__SECTION__KEY=value` overrides a key; a value is read as YAML, so that numbers and lists can be given.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import SHORTHANDS, Settings
from sre_copilot.settings.secret import resolve

PREFIX = "SRE_COPILOT__"
VARIABLE = "SRE_COPILOT_CONFIG"
PLACES = (Path("config/config.yaml"), Path("sre-copilot.yaml"))
REMEDY = "see the page “Configuration”; `sre-copilot check-config` tries again"
Model = TypeVar("Model", bound=BaseModel)


def find(path: Path | None = None) -> Path | None:
    """The file to read: the one named, that of `SRE_COPILOT_CONFIG`, or the first of `PLACES` that exists."""
    if path is None and os.environ.get(VARIABLE):
        path = Path(os.environ[VARIABLE])
    if path is not None:
        return path
    return next((place for place in PLACES if place.is_file()), None)


def load(path: Path | None = None) -> Settings:
    """Read the configuration.

    Raises
    ------
    SettingsError : names the file, the key, and the way out
    """
    file = find(path)
    read_dotenv(Path(".env"))
    document = read_yaml(file) if file else {}
    return parse(Settings, merged(document, overrides(os.environ)), place=str(file or "environment"))


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping."""
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_Strict)  # noqa: S506 - a safe loader
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be read: {error.strerror}. Name another with --config."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is no UTF-8 text. Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: is no YAML: {_told(error)}. Correct it there.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(
            f"{file}: holds a {type(document).__name__}; it must hold keys with values ({REMEDY})."
        )
    return document


def _told(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself: a secret may stand in it."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + _one_line(str(problem or type(error).__name__))


def read_dotenv(file: Path) -> None:
    """Set variables of `.env` that the environment does not have; lines `NAME=value`, `#` begins a comment."""
    if not file.is_file():
        return
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file}: cannot be read: {type(error).__name__}. Save it as UTF-8 text, or remove it."
        ) from None
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign or not name.strip().isidentifier():
            raise SettingsError(f"{file}, line {number}: is no NAME=value. Correct or remove it.")
        os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def overrides(environment: Mapping[str, str]) -> dict[str, Any]:
    """The keys that the environment sets."""
    found: dict[str, Any] = {}
    for name in sorted(environment):
        if name.startswith(PREFIX):
            *path, key = name.removeprefix(PREFIX).lower().split("__")
            place = found
            for step in path:
                place = place.setdefault(step, {})
                if not isinstance(place, dict):
                    raise SettingsError(
                        f"{name}: {step} is already set as a whole. Set the one or the other."
                    )
            place[key] = _value(name, environment[name])
    return found


def _value(name: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{name}: is no YAML: {_told(error)}. Quote it.") from None


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of both; where both have one, mappings are merged and else `other` counts."""
    found = dict(one)
    for key, value in other.items():
        before = found.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = merged(before, value)
        else:
            found[key] = value
    return found


def parse(model: type[Model], document: Mapping[str, Any], *, place: str, top: str = "") -> Model:
    """Validate a document against a model.

    Raises
    ------
    SettingsError : one sentence a wrong key, each with its place and the way out
    """
    try:
        return model.model_validate(resolved(document))
    except ValidationError as error:
        said = "; ".join(_sentence(detail, model, top) for detail in error.errors(include_input=False))
        raise SettingsError(f"{place}: {said} ({REMEDY})") from None
    except ValueError as error:
        raise SettingsError(f"{place}: {error} ({REMEDY})") from None


def resolved(value: Any, path: str = "") -> Any:
    """The same document with `{{ env.NAME }}` and `{{ file:… }}` replaced wherever they stand."""
    if isinstance(value, Mapping):
        return {str(key): resolved(each, f"{path}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, f"{path}.{number}") for number, each in enumerate(value)]
    try:
        return resolve(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def known_keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All keys of a model, as paths."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, (*path, name))


def _sentence(detail: Any, model: type[BaseModel], top: str) -> str:
    path = [top, *map(str, detail["loc"])] if top else [str(step) for step in detail["loc"]]
    key = ".".join(path)
    if detail["type"] != "extra_forbidden":
        said: str = detail["msg"]
        return (f"{key}: " if key else "") + said.removeprefix("Value error, ")
    near = nearest(str(detail["loc"][-1]), model, tuple(str(step) for step in detail["loc"][:-1]))
    return f"{key}: is unknown" + (f"; did you mean {near}?" if near else "")


def nearest(key: str, model: type[BaseModel], path: tuple[str, ...]) -> str:
    """The known key that a wrong one most resembles, in its own section first; '' when none does."""
    keys = list(known_keys(model))
    here = [each[-1] for each in keys if each[:-1] == path]
    shorthands = list(SHORTHANDS) if model is Settings and not path else []
    if found := difflib.get_close_matches(key, [*here, *shorthands], n=1):
        return found[0]
    everywhere = {each[-1]: ".".join(each) for each in keys}
    found = difflib.get_close_matches(key, list(everywhere), n=1)
    return everywhere[found[0]] if found else ""


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _one_line(text: str) -> str:
    return " ".join(text.split())
