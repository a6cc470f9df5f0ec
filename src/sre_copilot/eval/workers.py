"""Run the tasks of an evaluation in worker processes of one core each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

Progress = Callable[[int, int, str], None]
"""Told after each task: how many are done, of how many, and which one."""

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_ONE_CORE = dict.fromkeys(
    (
        "POLARS_MAX_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
"""One core a worker: the figures are those of one core, and workers do not contend for the others."""


def in_workers(
    work: Callable[[Task], Answer],
    tasks: Sequence[Task],
    *,
    name: Callable[[Task], str],
    jobs: int = 0,
    progress: Progress = lambda done, total, name: None,
) -> dict[Task, Answer]:
    """Do every task (hashable) in one of `jobs` processes (0: as many as cores); answers in the order of the tasks."""
    if not tasks:
        return {}
    workers = min(jobs or os.cpu_count() or 1, len(tasks))
    with (
        _one_core_each(),
        ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as pool,
    ):
        futures = {pool.submit(work, task): task for task in tasks}
        for done, future in enumerate(as_completed(futures), start=1):
            label = name(futures[future])
            if error := future.exception():
                pool.shutdown(wait=False, cancel_futures=True)  # the others are not worth waiting for
                error.add_note(f"while judging {label}")
                raise error
            progress(done, len(tasks), label)
        return {task: future.result() for future, task in futures.items()}


@contextmanager
def _one_core_each() -> Iterator[None]:
    """Let processes that start meanwhile inherit an environment of one thread each."""
    before = {name: os.environ.get(name) for name in _ONE_CORE}
    os.environ.update(_ONE_CORE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
