"""The tables of settings in the documentation, made from the settings themselves.

`python -m sre_copilot.perception.settings_page` names the pages that are stale, `--write` mends them. A page is
`docs/reference/sources/<type>.md` (of the configuration as a whole, `docs/reference/configuration.md`) and holds the table between the two lines `BEGIN` and `END`; an alias (another name of the same
class) has no page of its own and is named in that of the class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import orjson
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from sre_copilot.plugins import load
from sre_copilot.settings.document import Settings

BEGIN = "<!-- settings: made by python -m sre_copilot.perception.settings_page --write -->"
END = "<!-- end of settings -->"
FOLDER = Path("docs/reference/sources")
CONFIGURATION = Path("docs/reference/configuration.md")  # the page of the configuration as a whole

_PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    SecretStr: "secret",
    NoneType: "none",
}
_BOUNDS = (
    (Ge, "ge", "≥ {}"),
    (Gt, "gt", "> {}"),
    (Le, "le", "≤ {}"),
    (Lt, "lt", "< {}"),
    (MinLen, "min_length", "at least {} long"),
    (MaxLen, "max_length", "at most {} long"),
)


def page(settings: type[BaseModel]) -> str:
    """Return the table of a settings class, in Markdown, and after it those of the sections within it."""
    return "\n\n".join([_table(settings), *(_part(section) for section in _sections(settings))])


def names_by_class() -> dict[type, list[str]]:
    """The registered sources and the names that each goes by."""
    found: dict[type, list[str]] = {}
    for name, source in load("sre_copilot.sources").items():
        found.setdefault(source, []).append(name)
    return found


def stale(folder: Path = FOLDER) -> dict[Path, str]:
    """The pages that do not say what the settings are, each with what is wrong."""
    return {
        path: problem
        for source, names in names_by_class().items()
        for path in [_path(folder, names)]
        if (problem := _problem(path, source, names))
    }


def stale_configuration(path: Path = CONFIGURATION) -> str:
    """What is wrong with the table of the whole configuration; '' when nothing is."""
    if not path.exists():
        return "is missing"
    try:
        before, after = _around(path)
    except ValueError as error:
        return str(error)
    fresh = path.read_text(encoding="utf-8") == f"{before}{BEGIN}\n\n{page(Settings)}\n\n{END}{after}"
    return "" if fresh else "is stale; run python -m sre_copilot.perception.settings_page --write"


def write(path: Path, settings: type[BaseModel]) -> None:
    """Renew the table in a page; raise `ValueError` when the page has no place for it."""
    before, after = _around(path)
    path.write_text(f"{before}{BEGIN}\n\n{page(settings)}\n\n{END}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Check the pages, or renew their tables; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m sre_copilot.perception.settings_page")
    parser.add_argument("--write", action="store_true", help="renew the tables")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    parser.add_argument(
        "--configuration", type=Path, default=CONFIGURATION, help="the page of the configuration"
    )
    given = parser.parse_args(arguments)
    if given.write:
        for source, names in names_by_class().items():
            path = _path(given.folder, names)
            if path.exists() and BEGIN in path.read_text(encoding="utf-8"):
                write(path, source.Settings)  # type: ignore[attr-defined]
        if given.configuration.exists():
            write(given.configuration, Settings)
    problems = stale(given.folder)
    if problem := stale_configuration(given.configuration):
        problems[given.configuration] = problem
    sys.stdout.writelines(f"{path}: {problem}\n" for path, problem in problems.items())
    return 1 if problems else 0


def _path(folder: Path, names: list[str]) -> Path:
    """The page of a source: of its names, the one that has a page."""
    pages = [folder / f"{name}.md" for name in names]
    return next((path for path in pages if path.exists()), pages[0])


def _problem(path: Path, source: Any, names: list[str]) -> str:
    if not path.exists():
        return f"is missing; write it, with the two lines\n{BEGIN}\n{END}"
    try:
        before, after = _around(path)
    except ValueError as error:
        return str(error)
    text = path.read_text(encoding="utf-8")
    if text != f"{before}{BEGIN}\n\n{page(source.Settings)}\n\n{END}{after}":
        return "is stale; run python -m sre_copilot.perception.settings_page --write"
    unnamed = [name for name in names if f"`{name}`" not in before + after]
    return f"does not name `{'`, `'.join(unnamed)}`" if unnamed else ""


def _around(path: Path) -> tuple[str, str]:
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"has no place for the table; add the two lines\n{BEGIN}\n{END}")
    before, _, rest = text.partition(BEGIN)
    return before, rest.partition(END)[2]


def _table(settings: type[BaseModel]) -> str:
    head = ["| key | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *(_row(name, field) for name, field in _own_first(settings))])


def _own_first(settings: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Fields of the class itself before those that every source has."""
    depth = {
        name: depth
        for depth, each in reversed(list(enumerate(settings.__mro__)))
        for name in getattr(each, "__annotations__", {})
    }
    return sorted(settings.model_fields.items(), key=lambda item: depth.get(item[0], 0))


def _row(name: str, field: FieldInfo) -> str:
    kind = ", ".join([_words(field.annotation), *_bounds(field.metadata)])
    meaning = " ".join((field.description or _said(field.annotation)).split())
    cells = (f"`{field.alias or name}`", kind, _default(field), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _said(annotation: Any) -> str:
    """What a section says of itself."""
    own = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation.__doc__ or "") if own else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ("", (), [], {}):
        return "none"
    if isinstance(value, BaseModel):
        return "as below"
    return f"`{_text(value)}`"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return orjson.dumps(value, default=_plain).decode().replace(",", ", ").replace('":', '": ')


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _bounds(metadata: list[Any]) -> Iterator[str]:
    for kind, attribute, words in _BOUNDS:
        yield from (words.format(getattr(m, attribute)) for m in metadata if isinstance(m, kind))


def _words(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{each}`" for each in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_words(each) for each in arguments if each is not NoneType)
    if origin is dict or (origin is not None and issubclass(origin, dict)):
        return f"mapping of {_words(arguments[0])} to {_words(arguments[1])}"
    if origin is not None and issubclass(origin, (list, tuple, set, frozenset)):
        return f"list of {_words(arguments[0])}"
    return _word(annotation)


def _word(annotation: Any) -> str:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        return "path"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(f"`{each.value}`" for each in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"section {annotation.__name__}"
    return str(getattr(annotation, "__name__", annotation))


def _part(section: type[BaseModel]) -> str:
    said = " ".join((section.__doc__ or "").split())
    return f"Section {section.__name__}: {said}\n\n{_table(section)}"


def _sections(settings: type[BaseModel]) -> list[type[BaseModel]]:
    """The sections within, each once, in the order in which they are met."""
    found: dict[type[BaseModel], None] = {}
    for _, field in _own_first(settings):
        for each in _models(field.annotation):
            if each is not settings and each not in found:
                found[each] = None
                found |= dict.fromkeys(_sections(each))
    return list(found)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


if __name__ == "__main__":
    raise SystemExit(main())
