"""PromQL before it is sent: placeholders filled in, checked, and kept from carrying a value over a gap."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import promql_parser
from promql_parser import Call, Expr, MatrixSelector, StringLiteral, SubqueryExpr, VectorSelector

PLACEHOLDERS: Mapping[str, str] = {
    "$__rate_interval": "rate_seconds, as `120s`",
    "$__interval": "the step, as `60s`",
    "$service_labels": "service_labels, as they stand in `by (…)`",
    "$instance_labels": "instance_labels, as they stand in `by (…)`",
}
"""What may stand in a query, and what it is replaced by; the first two as Grafana knows them."""
_PLACEHOLDER = re.compile(r"\$\w+")


def filled(query: str, values: Mapping[str, str]) -> str:
    """Put values in the place of placeholders; any other `$name` is left, and is then no PromQL."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[0], found[0]), query)


def placeholder_values(
    *, service_labels: Sequence[str], instance_labels: Sequence[str], rate_seconds: int, step_seconds: int
) -> dict[str, str]:
    """What the placeholders stand for."""
    return {
        "$__rate_interval": f"{rate_seconds}s",
        "$__interval": f"{step_seconds}s",
        "$service_labels": ", ".join(service_labels),
        "$instance_labels": ", ".join(instance_labels),
    }


def parsed(query: str) -> Expr:
    """Parse a query that has a value at every time.

    Raises
    ------
    ValueError : when it is no PromQL, or has no value to plot; says what to do
    """
    try:
        tree = promql_parser.parse(query)
    except ValueError as error:
        raise ValueError(f"is no PromQL: {error}; in {query}") from None
    if isinstance(tree, (MatrixSelector, SubqueryExpr)):
        raise ValueError(
            f"is a range and has no single value; put rate(…) or last_over_time(…) around {query}"
        )
    if isinstance(tree, StringLiteral):
        raise ValueError(f"is a text and no number: {query}")
    return tree


def without_carry(query: str, lookback_seconds: int) -> str:
    """Let each plain selector see `lookback_seconds` back and no further.

    By itself a server repeats the last sample for five minutes, across any gap that was not marked as one. `x` becomes `last_over_time(x[…])`;
    one millisecond less, for older servers count a sample at the far end of a range as well. What has a range of
    its own, and what stands in `timestamp()` or a subquery, is left as it is.
    """
    tree = parsed(query)
    guarded = 0
    changed = False
    window = f"[{lookback_seconds * 1000 - 1}ms]"

    def enter(node: Expr) -> None:
        nonlocal guarded
        guarded += _has_own_time(node)

    def leave(node: Expr) -> Expr | None:
        nonlocal guarded, changed
        guarded -= _has_own_time(node)
        if guarded or not isinstance(node, VectorSelector):
            return None
        changed = True
        selector, modifiers = _split(node.prettify())
        return promql_parser.parse(f"last_over_time({selector}{window}{modifiers})")

    tree = promql_parser.transform(tree, pre_visit=enter, post_visit=leave)
    return " ".join(line.strip() for line in tree.prettify().split("\n")) if changed else query


def metric_names(query: str) -> frozenset[str]:
    """The names of the metrics that a query reads, where it names them."""
    found: set[str] = set()

    def visit(node: Expr) -> None:
        if isinstance(node, VectorSelector) and node.name:
            found.add(node.name)

    promql_parser.walk(parsed(query), visit)
    return frozenset(found)


def _has_own_time(node: Expr) -> bool:
    if isinstance(node, Call):
        return node.func.name == "timestamp"
    return isinstance(node, (MatrixSelector, SubqueryExpr))


def _split(selector: str) -> tuple[str, str]:
    """A selector without its `offset` and `@`, and these; neither of them holds a brace, nor a name a space."""
    end = selector.rfind("}") + 1 or f"{selector} ".index(" ")
    return selector[:end], selector[end:]
