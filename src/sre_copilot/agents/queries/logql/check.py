"""Whether LogQL may be sent: it parses, names labels that there are, selects streams, and reaches back no further than is sensible."""

from __future__ import annotations

import re

import re2  # type: ignore[import-untyped]

from sre_copilot.agents.queries.logql.grammar import Said, parse
from sre_copilot.agents.queries.schema import LogSchema
from sre_copilot.agents.queries.written import Cost, QueryProblem

LONGEST_REACH_S = 31 * 86_400.0
ALSO = frozenset({"service_name", "detected_level", "__error__", "__error_details__", "__line__"})


def check(query: str, schema: LogSchema | None) -> Cost:
    """The cost of a query that may be sent.

    Raises
    ------
    QueryProblem : says what is wrong, and what there is instead
    """
    said = parse(query)
    if not any(op in ("=", "=~") and not _matches_empty(op, value) for _, op, value in said.streams):
        raise QueryProblem(
            "At least one matcher in the braces must not match the empty text.",
            "大括号中至少要有一个不匹配空文本的条件。",
        )
    reach = max(said.ranges_s, default=0.0) + max(said.offsets_s, default=0.0)
    if reach > LONGEST_REACH_S:
        raise QueryProblem(
            f"It reaches back {reach / 86400:.0f} days; at most {LONGEST_REACH_S / 86400:.0f} are allowed.",
            f"查询回溯 {reach / 86400:.0f} 天，最多允许 {LONGEST_REACH_S / 86400:.0f} 天。",
        )
    _check_patterns(said)
    if schema is not None:
        _check_names(said, schema)
    return Cost(window_seconds=reach or None)


def _check_patterns(said: Said) -> None:
    given = [value for _, op, value in (*said.streams, *said.fields) if op in ("=~", "!~")]
    for value in (*given, *(value for op, value in said.lines if op in ("|~", "!~"))):
        try:
            re2.compile(value)
        except re2.error:
            raise QueryProblem(
                f"{value!r} is no regular expression that Loki can read (RE2).",
                f"{value!r} 不是 Loki 能识别的正则表达式（RE2）。",
            ) from None


def _check_names(said: Said, schema: LogSchema) -> None:
    for label, _, _ in said.streams:
        if label not in schema.labels and label not in ALSO:
            known = ", ".join(sorted(schema.labels)[:8])
            raise QueryProblem(
                f"There is no label {label}. There are: {known}.", f"没有标签 {label}。现有：{known}。"
            )
    drawn = bool(said.parsers)
    for name in (*(name for name, _, _ in said.fields), *said.unwrap):
        is_known = (
            name in schema.labels or name in ALSO or (drawn and (not schema.fields or name in schema.fields))
        )
        if not is_known:
            known = ", ".join(sorted((*schema.labels, *schema.fields))[:10])
            raise QueryProblem(
                f"There is no field {name}{'' if drawn else ' without a parser before it'}. There are: {known}.",
                f"没有字段 {name}{'' if drawn else '（缺少解析器）'}。现有：{known}。",
            )


def _matches_empty(op: str, value: str) -> bool:
    if op == "=":
        return value == ""
    try:
        return re.fullmatch(value, "") is not None
    except re.error:
        return False
