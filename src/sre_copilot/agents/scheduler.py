"""Runs tasks: those that wait for nobody at the same time, each as soon as what it comes after is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sre_copilot.agents.agent import FaultDescription, State, Task
from sre_copilot.telemetry import log

_log = log(__name__)
AT_ONCE = 4  # experts wait for sources more than for cores
Work = Callable[[Task, Mapping[str, FaultDescription]], FaultDescription]
Tell = Callable[[Task, State, str], None]


def order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks so that each stands after all that it waits for; among those that may begin, a smaller priority first.

    Raises
    ------
    ValueError : when a task waits for one that is not there, or tasks wait for each other
    """
    known = {task.id for task in tasks}
    for task in tasks:
        if missing := set(task.after) - known:
            raise ValueError(f"task {task.id} waits for {sorted(missing)}, which is no task of this plan")
    placed: list[Task] = []
    rest = list(tasks)
    while rest:
        done = {task.id for task in placed}
        free = [task for task in rest if set(task.after) <= done]
        if not free:
            raise ValueError(f"tasks wait for each other: {sorted(task.id for task in rest)}")
        chosen = min(free, key=lambda task: (task.priority, tasks.index(task)))
        placed.append(chosen)
        rest.remove(chosen)
    return tuple(placed)


def run(
    tasks: Sequence[Task], work: Work, *, tell: Tell = lambda task, state, text: None, at_once: int = AT_ONCE
) -> dict[str, FaultDescription]:
    """Run all tasks; what each returned, by its id. One that fails is a description with a problem, and the others go on."""
    waiting = list(order(tasks))
    done: dict[str, FaultDescription] = {}
    running: dict[Future[FaultDescription], Task] = {}
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="agent") as pool:
        while waiting or running:
            for task in [each for each in waiting if set(each.after) <= done.keys()]:
                waiting.remove(task)
                tell(task, "running", "")
                before = {name: done[name] for name in task.after}
                running[pool.submit(_worked, work, task, before)] = task
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                task = running.pop(future)
                done[task.id] = future.result()
                problem = done[task.id].problem
                tell(task, "failed" if problem else "done", problem)
    return done


def _worked(work: Work, task: Task, before: Mapping[str, FaultDescription]) -> FaultDescription:
    try:
        return work(task, before)
    except Exception as error:  # noqa: BLE001 - one agent's failure is said, and ends nobody else's work
        problem = f"{type(error).__name__}: {error}"
        _log.error("an agent failed", agent=task.agent, problem=problem)
        return FaultDescription(agent=task.agent, problem=problem)
