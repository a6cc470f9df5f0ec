"""Measure log templates on labelled lines."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl

from sre_copilot.cognition.logs.miner import Miner
from sre_copilot.errors import UsageError
from sre_copilot.eval.logs.normal_form import normal_form
from sre_copilot.eval.logs.scores import Accuracy, accuracy

FILE = "loghub2k.parquet"
_COLUMNS = {"system", "content", "template"}
_TIMED_LINES = 200_000
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class System:
    """One system's figures; `fta_as_written` compares templates without any normal form."""

    name: str
    lines: int
    templates: int
    true_templates: int
    scores: Accuracy
    fta_as_written: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All systems, each counting alike, and the speed on all their lines."""

    systems: tuple[System, ...]
    lines_per_s: float

    def as_dict(self) -> dict[str, Any]:
        """What `--json` writes."""
        means = {
            name: fmean(getattr(each.scores, name) for each in self.systems) for name in ("ga", "fga", "fta")
        }
        written = fmean(each.fta_as_written for each in self.systems)
        systems = {each.name: _of_system(each) for each in self.systems}
        return {
            "logs": {**means, "fta_as_written": written, "lines_per_s": self.lines_per_s, "systems": systems}
        }


def evaluate(directory: Path) -> Evaluation:
    """Mine each system's lines by themselves, with one configuration.

    Raises
    ------
    UsageError : when the folder holds no labelled lines
    """
    table = _read(directory)
    names = sorted(table["system"].unique().to_list())
    systems = tuple(_system(name, table.filter(pl.col("system") == name)) for name in names)
    return Evaluation(systems, _speed(table["content"].to_list()))


def _read(directory: Path) -> pl.DataFrame:
    found = [path for path in (directory / FILE, directory / "timeseries" / FILE) if path.is_file()]
    if not found:
        raise UsageError(f"{directory}: no {FILE} there. Name the folder that holds it.")
    try:
        table = pl.read_parquet(found[0])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{found[0]}: cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    if missing := _COLUMNS - set(table.columns):
        raise UsageError(f"{found[0]}: the column '{min(missing)}' is missing")
    if table.is_empty():
        raise UsageError(f"{found[0]}: holds no lines")
    return table.with_columns(pl.col(*_COLUMNS).cast(pl.String).fill_null(""))


def _system(name: str, table: pl.DataFrame) -> System:
    """Groups are those of the miner and of the true templates as written; only for FTA the texts are put in normal form."""
    miner = Miner()
    ids = miner.mine(table["content"]).template_id.to_list()
    found = [" ".join(miner.templates[each].split()) for each in ids]
    true = [" ".join(text.split()) for text in table["template"]]
    groups = accuracy([str(each) for each in ids], true)
    forms = {text: normal_form(text) for text in {*found, *true}}
    compared = accuracy([forms[text] for text in found], [forms[text] for text in true])
    return System(
        name=name,
        lines=table.height,
        templates=len(set(ids)),
        true_templates=len(set(true)),
        scores=Accuracy(ga=groups.ga, fga=groups.fga, fta=compared.fta),
        fta_as_written=accuracy(found, true).fta,
    )


def _speed(lines: list[str]) -> float:
    """Lines a second on one core: all lines as one buffer, repeated to some hundred thousand, the best of three; compiling is not in it."""
    times = max(1, _TIMED_LINES // max(len(lines), 1))
    buffer = ("\n".join(line.replace("\n", " ") for line in lines) + "\n").encode() * times
    rates = []
    for _ in range(_ROUNDS):
        miner = Miner()
        began = time.perf_counter()
        miner.mine_buffer(buffer)
        rates.append(len(lines) * times / (time.perf_counter() - began))
    return max(rates)


def _of_system(each: System) -> dict[str, Any]:
    return {
        **asdict(each.scores),
        "fta_as_written": each.fta_as_written,
        "lines": each.lines,
        "templates": each.templates,
        "true_templates": each.true_templates,
    }
