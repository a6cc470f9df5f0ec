"""Work in processes; what they do here is sleep."""

from __future__ import annotations

import time

import pytest

from sre_copilot.eval.workers import in_workers

IMPOSSIBLE = -1.0  # seconds


def test_answers_come_in_the_order_of_the_tasks_and_each_is_told() -> None:
    told = []
    answers = in_workers(
        abs,
        (-3, 2, -1),
        name=str,
        jobs=2,
        progress=lambda done, total, name: told.append((done, total, name)),
    )
    assert list(answers.items()) == [(-3, 3), (2, 2), (-1, 1)]
    assert [each[:2] for each in told] == [(1, 3), (2, 3), (3, 3)]
    assert {each[2] for each in told} == {"-3", "2", "-1"}


def test_a_task_that_fails_is_named_and_the_others_are_not_waited_for() -> None:
    began = time.monotonic()
    naps = (IMPOSSIBLE, *(0.5 + each / 1_000 for each in range(40)))
    with pytest.raises(ValueError, match="non-negative") as raised:
        in_workers(time.sleep, naps, name=str, jobs=1)
    assert raised.value.__notes__ == ["while judging -1.0"]
    assert time.monotonic() - began < sum(naps[1:]) / 2
