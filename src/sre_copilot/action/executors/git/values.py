"""One value in a text of YAML, JSON or properties: found, and replaced in its place; comments, order and everything else stay."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import yaml

Plain = bool | int | float | str
Part = str | int
_SPACE = re.compile(r"[ \t\r\n]*")
_PROPERTY = re.compile(
    r"^[ \t\f]*(?P<key>(?:\\.|[^\\:=\s])+)(?P<between>[ \t\f]*[:=]?[ \t\f]*)(?P<value>.*?)(?P<end>\r?)$"
)
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
_MEANT = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


class ValueProblem(ValueError):  # noqa: N818 - what is wrong with a text, not with us
    """Why a value cannot be read or replaced; holds no value."""


def read(text: str, format: str, key: str) -> Plain | None:
    """The value of a key.

    Raises
    ------
    ValueProblem : when the text cannot be read, there is no such key, or it holds several values
    """
    start, end = _span(text, format, key)
    if format == "properties":
        return _meant(text[start:end])
    return _plain(_at(_whole(text, format), _path(key)))


def write(text: str, format: str, key: str, value: Plain | None, *, any_type: bool = False) -> str:
    """The text with another value of the key; unless told otherwise, what it held must be of the same type.

    Raises
    ------
    ValueProblem : when it cannot be done without changing anything else
    """
    before = read(text, format, key)
    start, end = _span(text, format, key)
    if format == "properties":
        changed = text[:start] + _escaped(word(value)) + text[end:]
        if read(changed, format, key) != word(value):
            raise ValueProblem("the key stands twice in the file; leave one")
        return changed
    if not any_type and before is not None and kind(before) != kind(value):
        raise ValueProblem(f"is a {kind(value)}, and the file holds a {kind(before)}; give the same type")
    changed = text[:start] + _literal(text[start:end], format, value) + text[end:]
    if not _alone(text, changed, format, key, value):
        raise ValueProblem("cannot be replaced without changing more (an anchor, or a key that stands twice)")
    return changed


def same(format: str, one: Plain | None, other: Plain | None) -> bool:
    """Whether two values are the same in such a file; in properties everything is a text."""
    if format == "properties":
        return word(one) == word(other)
    return kind(one) == kind(other) and one == other


def word(value: Plain | None) -> str:
    """A value as a text of a properties file."""
    return value if isinstance(value, str) else json.dumps(value)


def kind(value: Any) -> str:
    """Its type, in a word; whole and other numbers are the same."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "null" if value is None else "string"


def _path(key: str) -> list[str]:
    """`a.b.0`, or a JSON pointer (`/a/b.c/0`) where keys hold dots."""
    if key.startswith("/"):
        return [each.replace("~1", "/").replace("~0", "~") for each in key[1:].split("/")]
    return key.split(".")


def _whole(text: str, format: str) -> Any:
    try:
        return json.loads(text) if format == "json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError):
        raise ValueProblem(f"the file is no {format}; mend it") from None


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_step(document, part)]
    return document


def _step(document: Any, part: str) -> Any:
    if isinstance(document, list) and part.isdecimal() and int(part) < len(document):
        return int(part)
    if isinstance(document, dict):
        found = [
            each
            for each in document
            if (each if isinstance(each, str) else json.dumps(each, default=str)) == part
        ]
        if found:
            return found[0]
    raise ValueProblem("there is no such key in the file; correct it")


def _plain(value: Any) -> Plain | None:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueProblem("holds more than one plain value; name a key below it")


def _expected(document: Any, path: list[str], value: Plain | None) -> Any:
    changed = copy.deepcopy(document)
    holder = _at(changed, path[:-1])
    holder[_step(holder, path[-1])] = value
    return changed


def _alone(text: str, changed: str, format: str, key: str, value: Plain | None) -> bool:
    try:
        return bool(_whole(changed, format) == _expected(_whole(text, format), _path(key), value))
    except ValueProblem:
        return False


def _span(text: str, format: str, key: str) -> tuple[int, int]:
    if format == "properties":
        return _property_span(text, key)
    path = _path(key)
    _plain(_at(_whole(text, format), path))
    try:
        return _json_span(text, path) if format == "json" else _yaml_span(text, path)
    except (ValueError, IndexError, StopIteration, yaml.YAMLError):
        raise ValueProblem("its place in the file cannot be found; write the file plainly") from None


def _property_span(text: str, key: str) -> tuple[int, int]:
    start, continued, found = 0, False, None
    for line in text.split("\n"):
        more = len(line.rstrip("\r")) - len(line.rstrip("\r").rstrip("\\"))
        held = _PROPERTY.match(line)
        if not continued and held and line.lstrip()[:1] not in {"#", "!"} and _meant(held["key"]) == key:
            if more % 2:
                raise ValueProblem("goes on over several lines; write it on one")
            found = start + held.start("value"), start + held.end("value")
        continued = more % 2 == 1 and (continued or line.lstrip()[:1] not in {"#", "!"})
        start += len(line) + 1
    if found is None:
        raise ValueProblem("there is no such key in the file; correct it")
    return found


def _meant(text: str) -> str:
    text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda each: chr(int(each[1], 16)), text)
    return re.sub(r"\\(.)", lambda each: _MEANT.get(each[1], each[1]), text)


def _escaped(text: str) -> str:
    plain = "".join(_ESCAPES.get(each, each) for each in text)
    return "\\" + plain if plain.startswith(" ") else plain


def _yaml_span(text: str, path: list[str]) -> tuple[int, int]:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for part in path:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
        else:
            node = next(value for name, value in node.value if name.value == part)
    if node.style in {"|", ">"}:
        raise ValueError("a block")
    return node.start_mark.index, node.end_mark.index


def _json_span(text: str, path: list[str]) -> tuple[int, int]:
    decoder, place = json.JSONDecoder(), _skip(text, 0)
    for part in path:
        place = _json_member(text, place, part, decoder)
    return place, decoder.raw_decode(text, place)[1]


def _json_member(text: str, place: int, part: str, decoder: json.JSONDecoder) -> int:
    mapping, number = text[place] == "{", 0
    place = _skip(text, place + 1)
    while True:
        name = str(number)
        if mapping:
            name, place = decoder.raw_decode(text, place)
            place = _skip(text, _skip(text, place) + 1)
        if name == part:
            return place
        place = _skip(text, _skip(text, decoder.raw_decode(text, place)[1]) + 1)
        number += 1


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _literal(before: str, format: str, value: Plain | None) -> str:
    """Written as it was written before: without quotes where there were none and none are needed."""
    quoted = json.dumps(value, ensure_ascii=False)
    bare = format == "yaml" and isinstance(value, str) and before[:1] not in {'"', "'"}
    if (
        bare
        and re.fullmatch(r"[A-Za-z0-9_./-][A-Za-z0-9_./ -]*(?<! )", str(value))
        and yaml.safe_load(str(value)) == value
    ):
        return str(value)
    return quoted
