"""Expressions: compiled within limits, evaluated on what they name, JSON in and out."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sre_copilot.workflows.cel import ExpressionProblem, compiled, evaluate, holds
from sre_copilot.workflows.templates import bare, expressions_in, fill

SCOPE: dict[str, Any] = {
    "inputs": {
        "a": 2,
        "f": 1.5,
        "s": "cart",
        "none": None,
        "big": 2**70,
        "evil": "{{ inputs.s }}",
        "list": [1, 2, 3],
    },
    "steps": {"look": {"output": {"rows": [{"n": 1}, {"n": 5}]}, "status": "succeeded"}},
    "consts": {"limit": 4},
    "item": {"key": "x"},
    "index": 3,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.a > 1 && inputs.f == 1.5", True),
        ("steps.look.output.rows.filter(r, r.n > consts.limit).map(r, r.n)", [5]),
        ("steps['look'].status", "succeeded"),
        ("has(inputs.nothing) ? 1 : 2", 2),
        ("inputs.none == null", True),
        ("inputs.big > 1.0", True),
        ("timestamp('2026-01-01T00:00:00Z') + duration('90m')", "2026-01-01T01:30:00Z"),
        ("duration('90m')", 5400.0),
        ("item.key + string(index)", "x3"),
        ("{1: 'a', true: 'b'}[1]", "a"),
        ("size(inputs.list)", 3),
    ],
)
def test_an_expression_gives_plain_json(text: str, value: object) -> None:
    assert evaluate(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("inputs.nothing", "Key not found in map"),
        ("nothing", "undeclared reference to 'nothing'; variables are"),
        ("1 +", "Syntax error"),
        ("1 / 0", "divide by zero"),
        ("1.0 / 0.0", "not finite"),
        ("b'a'", "cannot be kept"),
        ("x" * 1001, "characters"),
        ("inputs.a * 1.5", "No matching overload"),
    ],
)
def test_an_expression_without_a_value_says_why(text: str, problem: str) -> None:
    with pytest.raises(ExpressionProblem, match=problem):
        evaluate(text, SCOPE)


def test_a_mistake_names_its_column() -> None:
    with pytest.raises(ExpressionProblem) as raised:
        compiled("inputs.a > nothing")
    assert raised.value.column == 12


@pytest.mark.parametrize(
    "text",
    [
        "l.map(a, l.map(b, l.map(c, l.map(d, a + b + c + d))))".replace("l.", "inputs.many."),
        "(" * 200 + "1" + ")" * 200,
        "[inputs.s].map(a,a+a+a+a+a+a).map(a,a+a+a+a+a+a).map(a,a+a+a+a+a+a).map(a,a+a+a+a+a+a)",
        "[" * 100 + "]" * 100,
        "inputs.s.matches('^(a+)+$') ? inputs.huge.all(x, x > 0) : false",
    ],
)
def test_no_expression_takes_long_or_fills_the_memory(text: str) -> None:
    scope = {"inputs": {"many": list(range(60)), "s": "a" * 5000, "huge": list(range(1, 20_001))}}
    began = time.perf_counter()
    with pytest.raises(ExpressionProblem):
        evaluate(text, scope)
    assert time.perf_counter() - began < 2.0


def test_an_expression_reads_only_what_it_names() -> None:
    assert compiled("steps.look.output.n > inputs['a'] && consts.x").names == {
        ("steps", "look"),
        ("inputs", "a"),
        ("consts", "x"),
    }
    assert compiled("'steps.no' + inputs.s").names == {("inputs", "s")}
    assert compiled("size(steps) > 0 && steps.look.status == ''").names == {("steps", "")}


def test_a_way_through_a_map_is_marked_for_its_order_differs_between_processes() -> None:
    assert compiled("inputs.m.map(k, k)[0]").in_no_order
    assert not compiled("inputs.m.a == 1").in_no_order


def test_a_condition_is_true_or_false() -> None:
    assert holds("inputs.a == 2", SCOPE)
    with pytest.raises(ExpressionProblem, match="a condition needs true or false"):
        holds("inputs.a", SCOPE)


def test_a_text_of_one_expression_gives_its_value_and_any_other_gives_text() -> None:
    filled = fill(
        {"a": "{{ inputs.a }}", "b": ["{{inputs.s}}: {{ inputs.f }} {{ {'a': {'b': '}}'}}.a.b }}"], "c": 1},
        SCOPE,
    )
    assert filled == {"a": 2, "b": ["cart: 1.5 }}"], "c": 1}


def test_what_is_put_in_is_never_read_again() -> None:
    assert fill("{{ inputs.evil }} {{ inputs.evil }}", SCOPE) == "{{ inputs.s }} {{ inputs.s }}"


def test_braces_may_stand_around_a_condition() -> None:
    assert bare("{{ inputs.a > 1 }}") == bare("inputs.a > 1") == "inputs.a > 1"


def test_every_expression_of_a_value_is_found_with_its_path() -> None:
    found = list(expressions_in({"a": ["x {{ b }}", {"c": "{{ d }}{{ e }}"}], "f": "{{ open"}))
    assert found == [(".a[0]", "b"), (".a[1].c", "d"), (".a[1].c", "e"), (".f", "{{ open")]


HEAVY = {"inputs": {"l": list(range(6_000)), "t": "x" * 250_000, "two": ["y" * 250_000, "z"]}}


@pytest.mark.parametrize(
    "text",
    [
        "inputs.l.map(i, inputs.t)",
        "inputs.l.map(i, {'a': [inputs.t]}).size() > 0",
        "inputs.two.map(x, inputs.l.map(i, x))",
        "inputs.l.filter(i, i > 1).map(i, i > 3 ? inputs.two : [])",
        "inputs.two.exists(x, inputs.l.map(i, x).size() > 0)",
        f"inputs.two.map(x, [{','.join(['x'] * 300)}])",
    ],
)
def test_what_could_fill_the_memory_is_not_evaluated(text: str) -> None:
    with pytest.raises(ExpressionProblem, match="could make more than 64000000 characters"):
        evaluate(text, HEAVY)


def test_what_only_takes_of_each_item_is_evaluated_however_large_the_rest_is() -> None:
    rows = [{"name": f"row {number}", "value": number} for number in range(5_000)]
    scope = {
        "steps": {"q": {"output": {"rows": rows, "digest": "d" * 200_000}}},
        "inputs": {"t": "x" * 250_000},
    }
    names = evaluate("steps.q.output.rows.filter(r, r.value > 10).map(r, r.name)", scope)
    assert len(names) == 4_989
    assert evaluate("steps.q.output.rows.filter(r, r.name in inputs.t).size()", {**scope, "inputs": {"t": ["row 7"]}}) == 1  # fmt: skip
    assert len(evaluate("[1, 2, 3].map(i, inputs.t)", scope)) == 3
