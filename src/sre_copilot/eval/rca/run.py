"""Run an evaluation: judge every case in worker processes, then read the truth, then score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sre_copilot.app.methods import registered_methods
from sre_copilot.domain.signals import Modality
from sre_copilot.errors import UsageError
from sre_copilot.eval.rca.judge import PLAIN, RENAMED, Task, judge, peak_rss_mb, read_facts
from sre_copilot.eval.rca.judgement import Judgement
from sre_copilot.eval.rca.summary import Evaluation, summarise
from sre_copilot.eval.rca.truth import read_truth
from sre_copilot.eval.workers import Progress, in_workers
from sre_copilot.incidents.investigation import Methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to evaluate.

    `ablate` pretends that modalities were not recorded; `rename_seed` also judges a renamed copy of every case; `shifts` also
    judge every case with its onset moved by as many seconds; `methods` returns what is evaluated; without
    `reflecting` the bare core is.
    """

    jobs: int = 0
    ablate: tuple[Modality, ...] = ()
    rename_seed: int | None = None
    shifts: tuple[float, ...] = ()
    methods: Callable[[], Methods] = registered_methods
    reflecting: bool = True


def evaluate(
    directory: Path, options: Options | None = None, *, progress: Progress = lambda done, total, name: None
) -> Evaluation:
    """Judge all cases below a folder and score them against their truth."""
    options = options or Options()
    folders = case_folders(directory)
    judged = _run(plan(folders, options), options.jobs, progress)
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
        reflecting=options.reflecting,
    )


def _run(tasks: Sequence[Task], jobs: int, progress: Progress) -> dict[Task, tuple[Judgement, ...]]:
    return in_workers(judge, tasks, name=lambda task: task.folder.name, jobs=jobs, progress=progress)


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())
