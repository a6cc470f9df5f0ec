"""What every executor must keep to.

A test of an executor derives from `ExecutorContract` and brings a system with something to act on: a real one, or a contract server of `testing.servers`.
What is counted and compared is read from the system itself, never through the executor.
"""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from sre_copilot.action.executor import ActionError, Call, Executor, Verified
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.incidents.report.words import LANGUAGES, catalogue

SECRET = "s3cr3t-0f-the-contract"  # noqa: S105 - it guards nothing
PLAN = "PLAN-20260206143022"
SHORT_S = 1.0  # time that an action gets where nothing answers
SLACK_S = 2.0  # and how much later it may give up: the machine is busy


@dataclass(frozen=True, kw_only=True)
class Case:
    """A system, and an action on it that changes something.

    Parameters
    ----------
    executor : makes an executor for the system; it holds `SECRET` where it can hold one
    action : what is done, to a target that is there
    effects : how often that was done, as the system counts it
    state : what of the system must stay the same when nothing is done, and must be the same again after an undo
    absent : the same action on a target that is not there; None where targets cannot be absent
    refused : actions that must be refused, each with a word that the message must name
    unreachable : an executor for a system to which there is no connection; None where there is no connection to speak of
    silent : an executor whose system does not answer
    lost : an executor whose system does what it is told, and whose answer never arrives
    """

    executor: Callable[[], Executor]
    action: Action
    effects: Callable[[], int]
    state: Callable[[], Any]
    absent: Action | None = None
    refused: Sequence[tuple[Action, str]] = ()
    unreachable: Callable[[], Executor] | None = None
    silent: Callable[[], AbstractContextManager[Executor]] | None = None
    lost: Callable[[], AbstractContextManager[Executor]] | None = None


def call(direction: str = "do", *, step: str = "s1", seconds: float = 30.0, **more: Any) -> Call:
    """A call as Hands make it."""
    return Call(key=f"{PLAN}/{step}/{direction}", deadline=time.monotonic() + seconds, **more)


def settled(executor: Executor, action: Action, *, seconds: float = 20.0) -> Verified:
    """What is seen once it does not change any more."""
    until = time.monotonic() + seconds
    while True:
        found = executor.verify(action, call())
        if found.settled or time.monotonic() > until:
            return found
        time.sleep(0.2)


class ExecutorContract:
    """Derive a test class from it."""

    undo_restores = True
    """Whether the action of the case can be undone."""

    def opened(self, folder: Path) -> AbstractContextManager[Case]:
        """Start the system."""
        raise NotImplementedError

    @pytest.fixture
    def case(self, tmp_path: Path) -> Iterator[Case]:
        """A fresh system."""
        with self.opened(tmp_path) as case:
            yield case

    def test_its_catalogue_says_in_every_language_what_it_does_and_takes_nothing_unknown(
        self, case: Case
    ) -> None:
        """Each entry bears its executor's name and a schema."""
        executor = case.executor()
        specs = executor.specs()
        assert len({spec.name for spec in specs}) == len(specs) > 0
        for spec in specs:
            jsonschema.Draft202012Validator.check_schema(dict(spec.parameters))
            assert spec.name.startswith(f"{executor.name}.")
            assert spec.parameters["additionalProperties"] is False
            assert spec.kinds
            assert spec.timeout_seconds > 0
            assert set(catalogue()[spec.does.key]) >= set(LANGUAGES)

    def test_an_action_is_checked_without_reaching_the_system(self, case: Case) -> None:
        """And what was checked stays as it is when it is checked again."""
        executor = (case.unreachable or case.executor)()
        checked = executor.check(case.action)
        assert executor.check(checked) == checked
        assert set(case.action.parameters) <= set(checked.parameters)

    def test_what_cannot_be_used_is_refused_and_named(self, case: Case) -> None:
        """Unknown parameters, wrong ones, foreign targets."""
        executor = (case.unreachable or case.executor)()
        more = dict(case.action.parameters) | {"surprise": SECRET}
        unknown = Action(name=case.action.name, target=case.action.target, parameters=more)
        for action, word in [(unknown, "surprise"), *case.refused]:
            with pytest.raises(ActionError) as caught:
                executor.check(action)
            assert (caught.value.effect, caught.value.retry) == ("none", False)
            assert word in str(caught.value)
            assert SECRET not in str(caught.value)

    def test_looking_and_trying_dry_changes_nothing(self, case: Case) -> None:
        """A dry run says what would be different."""
        executor, before = case.executor(), case.state()
        first, preview, second = (
            executor.look(case.action),
            executor.preview(case.action),
            executor.look(case.action),
        )
        kept = executor.backup(case.action)
        assert first.exists
        assert first.digest
        assert first.digest == second.digest
        assert preview.difference or preview.objections
        assert json.loads(json.dumps(kept)) == kept
        json.dumps([dict(first.state), dict(preview.before), dict(preview.after)])
        assert (case.state(), case.effects()) == (before, 0)

    def test_what_is_not_there_is_said_not_to_be_there(self, case: Case) -> None:
        """By a look as a result, by an action as a refusal."""
        if case.absent is None:
            pytest.skip("its targets cannot be absent")
        executor = case.executor()
        assert not executor.look(case.absent).exists
        with pytest.raises(ActionError) as caught:
            executor.execute(case.absent, call())
        assert (caught.value.effect, caught.value.retry) == ("none", False)
        assert case.absent.target.name in str(caught.value)

    def test_an_effect_is_made_once_for_its_key_and_is_found_afterwards(self, case: Case) -> None:
        """By the executor that made it, and by one that knows of nothing, as after a crash."""
        executor = case.executor()
        spec, backup = self._spec(case), executor.backup(case.action)
        untold = None if not spec.exactly_once else False
        assert executor.done(case.action, call(), backup) is untold
        effect = executor.execute(case.action, call())
        assert effect.changed
        assert json.loads(json.dumps(dict(effect.detail))) == effect.detail
        assert not executor.execute(case.action, call()).changed
        assert case.effects() == 1
        found = case.executor().done(case.action, call(), backup)
        assert found is (True if spec.exactly_once else None)

    def test_another_key_is_another_effect_unless_it_is_there_already(self, case: Case) -> None:
        """Two restarts are two, scaled to three twice is once."""
        executor = case.executor()
        executor.execute(case.action, call())
        again = executor.execute(case.action, call(step="s2"))
        if self._spec(case).idempotent:
            assert not again.changed
        else:
            assert (again.changed, case.effects()) == (True, 2)

    def test_it_is_verified_by_what_is_seen(self, case: Case) -> None:
        """The target comes to the state that was asked for."""
        executor = case.executor()
        executor.execute(case.action, call())
        found = settled(executor, case.action)
        assert (found.ok, found.settled) == (True, True), found

    def test_an_undo_restores_the_state_before_once(self, case: Case) -> None:
        """And doing it again does nothing; what cannot be undone says so."""
        executor, before = case.executor(), case.state()
        backup, looked = executor.backup(case.action), executor.look(case.action)
        executor.execute(case.action, call())
        if not self.undo_restores:
            assert not self._spec(case).reversible
            with pytest.raises(ActionError) as caught:
                executor.undo(case.action, call("undo"), backup)
            assert caught.value.effect == "none"
            return
        settled(executor, case.action)
        executor.undo(case.action, call("undo"), json.loads(json.dumps(backup)))
        assert case.state() == before
        assert executor.look(case.action).digest == looked.digest
        assert executor.done(case.action, call("undo"), backup)
        assert not case.executor().undo(case.action, call("undo"), backup).changed
        assert case.state() == before

    def test_a_time_that_is_over_and_a_call_off_leave_everything_as_it_is(self, case: Case) -> None:
        """Neither does nor undoes; what ran out of time may be tried again."""
        executor, before, backup = case.executor(), case.state(), case.executor().backup(case.action)
        late, off = call(seconds=-0.1), call(cancelled=lambda: True)
        for each, retry in ((late, True), (off, False)):
            for act in (
                partial(executor.execute, case.action, each),
                partial(executor.undo, case.action, each, backup),
            ):
                with pytest.raises(ActionError) as caught:
                    act()
                if self.undo_restores:
                    assert (caught.value.effect, caught.value.retry) == ("none", retry)
        assert (case.state(), case.effects()) == (before, 0)

    def test_no_connection_means_no_effect_and_another_try(self, case: Case) -> None:
        """It is an error, and never a target that is not there."""
        if case.unreachable is None:
            pytest.skip("there is no connection to speak of")
        executor = case.unreachable()
        for ask in (
            lambda: executor.look(case.action),
            lambda: executor.execute(case.action, call(seconds=5)),
        ):
            with pytest.raises(ActionError) as caught:
                ask()
            assert (caught.value.effect, caught.value.retry) == ("none", True)

    def test_a_system_that_does_not_answer_is_given_up_in_time(self, case: Case) -> None:
        """The lock of the target runs out soon after."""
        if case.silent is None:
            pytest.skip("it cannot be silent")
        with case.silent() as executor:
            start = time.monotonic()
            with pytest.raises(ActionError) as caught:
                executor.execute(case.action, call(seconds=SHORT_S))
            assert time.monotonic() - start < SHORT_S + SLACK_S
            assert caught.value.effect in ("none", "unknown")
            assert caught.value.retry or caught.value.effect == "unknown"

    def test_an_effect_whose_answer_was_lost_is_unknown_and_can_be_found_out(self, case: Case) -> None:
        """Never said not to be: looked for, it is there, where the system lets that be told."""
        if case.lost is None:
            pytest.skip("its answer cannot be lost")
        backup = case.executor().backup(case.action)
        with case.lost() as executor, pytest.raises(ActionError) as caught:
            executor.execute(case.action, call(seconds=3 * SHORT_S))
        assert caught.value.effect == "unknown"
        fresh = case.executor()
        if self._spec(case).exactly_once:
            for _ in range(2):
                if not fresh.done(case.action, call(), backup):
                    fresh.execute(case.action, call())
            assert fresh.done(case.action, call(), backup)
        assert case.effects() == 1

    def test_secrets_are_in_nothing_that_is_kept_or_shown(
        self, case: Case, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Representations, errors, logs, backups, details."""
        caplog.set_level(logging.DEBUG)
        executor = case.executor()
        shown: list[Any] = [repr(executor), [asdict(spec) for spec in executor.specs()]]
        shown += [asdict(executor.look(case.action)), asdict(executor.preview(case.action))]
        shown += [executor.backup(case.action), asdict(executor.execute(case.action, call()))]
        shown += [asdict(executor.verify(case.action, call()))]
        if case.unreachable is not None:
            with pytest.raises(ActionError) as caught:
                case.unreachable().execute(case.action, call(seconds=5))
            shown += [str(caught.value), repr(caught.value)]
        assert SECRET not in repr(shown) + caplog.text

    def _spec(self, case: Case) -> ActionSpec:
        return next(spec for spec in case.executor().specs() if spec.name == case.action.name)
