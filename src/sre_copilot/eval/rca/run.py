"""Run an evaluation: judge every case in worker processes, then read the truth, then score."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from sre_copilot.app import registered_methods
from sre_copilot.domain.signals import Modality
from sre_copilot.errors import UsageError
from sre_copilot.eval.rca.judge import PLAIN, RENAMED, Task, judge, peak_rss_mb, read_facts
from sre_copilot.eval.rca.judgement import Judgement
from sre_copilot.eval.rca.summary import Evaluation, summarise
from sre_copilot.eval.rca.truth import read_truth
from sre_copilot.incidents.investigation import Methods

Progress = Callable[[int, int, str], None]
"""Told after each task: how many are done, of how many, and which one."""

_ONE_CORE = dict.fromkeys(
    ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""One core a worker: the figures are those of one core, and workers do not contend for the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to evaluate.

    `ablate` pretends that modalities were not recorded; `rename_seed` also judges a renamed copy of every case; `shifts` also
    judge every case with its onset moved by as many seconds; `methods` returns what is evaluated.
    """

    jobs: int = 0
    ablate: tuple[Modality, ...] = ()
    rename_seed: int | None = None
    shifts: tuple[float, ...] = ()
    methods: Callable[[], Methods] = registered_methods


def evaluate(
    directory: Path, options: Options | None = None, *, progress: Progress = lambda done, total, name: None
) -> Evaluation:
    """Judge all cases below a folder and score them against their truth."""
    options = options or Options()
    folders = case_folders(directory)
    judged = _run(plan(folders, options), options.jobs or os.cpu_count() or 1, progress)
    truths = {folder.name: truth for folder in folders if (truth := read_truth(folder))}
    windows = tuple(judgement for task, found in judged.items() if task.windows for judgement in found)
    variants: dict[str, list[Judgement]] = {}
    for task, found in judged.items():
        if not task.windows:
            variants.setdefault(task.variant, []).extend(found)
    plain = variants.pop(PLAIN)
    return summarise(plain, truths, windows=windows, variants=variants, peak_rss_mb=peak_rss_mb())


def case_folders(directory: Path) -> tuple[Path, ...]:
    """Folders of the cases in a folder, or in its subfolder `cases`, by name."""
    for place in (directory, directory / "cases"):
        if place.is_dir() and (found := sorted(path.parent for path in place.glob("*/case.json"))):
            return tuple(found)
    raise UsageError(f"{directory} holds no cases. Name a folder whose subfolders each hold a case.json.")


def plan(folders: Sequence[Path], options: Options) -> tuple[Task, ...]:
    """All tasks, the longest first, so that no worker is left alone with a long one at the end."""
    sets = {folder: str(read_facts(folder).get("set") or "unnamed") for folder in folders}
    variants = [
        PLAIN,
        *([RENAMED] if options.rename_seed is not None else []),
        *(f"{s:+g}" for s in options.shifts),
    ]
    by_size = sorted(folders, key=lambda folder: (-_bytes(folder), folder.name))
    windows = [_task(folder, sets, options, windows=True) for folder in baseline_folders(folders)]
    cases = [
        _task(folder, sets, options, variant=variant, plant=variant == PLAIN)
        for folder in by_size
        for variant in variants
    ]
    return (*windows, *cases)


def baseline_folders(folders: Sequence[Path]) -> tuple[Path, ...]:
    """For each fault-free baseline the first case that names it; that one lends its topology and alerted entity."""
    first: dict[str, Path] = {}
    for folder in folders:
        if name := read_facts(folder).get("baseline"):
            first.setdefault(str(name), folder)
    return tuple(first.values())


def _task(
    folder: Path,
    sets: Mapping[Path, str],
    options: Options,
    *,
    variant: str = PLAIN,
    windows: bool = False,
    plant: bool = False,
) -> Task:
    return Task(
        folder=folder,
        set=sets[folder],
        variant=variant,
        windows=windows,
        plant=plant,
        ablate=options.ablate,
        seed=options.rename_seed or 0,
        methods=options.methods,
    )


def _run(tasks: Sequence[Task], jobs: int, progress: Progress) -> dict[Task, tuple[Judgement, ...]]:
    with (
        _one_core_each(),
        ProcessPoolExecutor(max_workers=min(jobs, len(tasks)), mp_context=get_context("spawn")) as pool,
    ):
        futures = {pool.submit(judge, task): task for task in tasks}
        for done, future in enumerate(as_completed(futures), start=1):
            task = futures[future]
            _fail_with_name(future, task)
            progress(done, len(tasks), task.folder.name)
        return {task: future.result() for future, task in futures.items()}


def _fail_with_name(future: Future[tuple[Judgement, ...]], task: Task) -> None:
    if error := future.exception():
        error.add_note(f"while judging {task.folder} ({task.variant})")
        raise error


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


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())
