"""The same incident told otherwise: other names, other order of rows, another guess of the onset.

What is only named otherwise must be judged alike; a wrong guess of the onset by a minute should cost little.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from sre_copilot.domain.incident import Observation
from sre_copilot.perception.case_format.baseline import locate
from sre_copilot.perception.case_format.case_files import read_json, read_parquet
from sre_copilot.perception.case_format.reading import read_facts, read_topology
from sre_copilot.perception.case_format.telemetry import FILES

Rewrite = Callable[[str], str]

_LISTED: Final = re.compile(r"^kubectl get (deployments|statefulsets|daemonsets|services|nodes)\b(?!.* -l )")
_KEPT: Final = ("modalities", "t_inject_iso")
"""Keys of `case.json` whose strings are no names."""
_WHOLE: Final = ("id", "set", "system")
"""Keys of `case.json` whose values are replaced as a whole."""
_BASELINE: Final = "baselines/renamed"


def shifted(observation: Observation, seconds: float) -> Observation:
    """The same observation with the onset guessed `seconds` later."""
    onset = observation.incident.onset
    if onset is None:
        return observation
    return replace(observation, incident=replace(observation.incident, onset=onset + seconds))


def renamed_copy(folder: Path, scratch: Path, *, seed: int) -> tuple[Path, Mapping[str, str]]:
    """Write the case below `scratch` with every name replaced and all rows permuted; no truth is copied.

    Returns
    -------
    The new folder, and the old name of each new one.

    Raises
    ------
    BadCaseError : when a file of the case cannot be read
    """
    chance = random.Random(f"{seed} {folder.name}")  # noqa: S311 - no secret, but the same for the same seed
    facts = read_facts(folder)
    baseline = locate(folder.resolve(), facts["baseline"]) if facts.get("baseline") else None
    sources = [path for path in (folder, baseline) if path is not None]
    names = new_names(sorted(entities(sources, facts)), chance)
    rewrite = rewriter(names)
    target = scratch / "cases" / random_name(chance, 12)
    for source, into in zip(sources, (target, scratch / _BASELINE), strict=False):
        _copy(source, into, rewrite, chance)
    if len(sources) > 1:
        facts["baseline"] = _BASELINE
    replaced = {key: random_name(chance, 8) for key in _WHOLE if key in facts}
    document = {
        key: value if key in (*_KEPT, "baseline") else _walk(value, rewrite) for key, value in facts.items()
    }
    (target / "case.json").write_text(json.dumps(document | replaced, ensure_ascii=False), encoding="utf-8")
    return target, {new: old for old, new in names.items()}


def original_name(entity: str, names: Mapping[str, str]) -> str:
    """An entity of the renamed case under its old name; a kind before it (`app/`) is kept."""
    kind, slash, name = entity.rpartition("/")
    return names.get(entity) or f"{kind}{slash}{names.get(name, name)}"


def entities(folders: Iterable[Path], facts: Mapping[str, Any]) -> set[str]:
    """Names of all services, nodes of the call graph and Kubernetes objects that a case mentions as such."""
    found = {str(facts.get("namespace") or ""), str((facts.get("alert") or {}).get("node") or "")}
    for folder in folders:
        for name in ("metrics", "logs", "traces"):
            table = read_parquet(folder, f"{name}.parquet")
            if table is not None and "service" in table.columns:
                found |= set(table["service"].cast(pl.String).drop_nulls().unique())
        drawn, _ = read_topology(folder)
        found |= set(drawn.entities if drawn else ())
        state = read_parquet(folder, "state.parquet")
        if state is not None and {"key", "text"} <= set(state.columns):
            found |= set(_objects(state))
    return {name for name in found if name and not name.startswith("_")}


def new_names(names: Iterable[str], chance: random.Random) -> dict[str, str]:
    """A random name of random length for each name, no two alike."""
    taken: dict[str, str] = {}
    for name in names:
        new = random_name(chance, chance.randint(6, 14))
        while new in taken.values():
            new = random_name(chance, chance.randint(6, 14))
        taken[name] = new
    return taken


def random_name(chance: random.Random, length: int) -> str:
    """Lower-case letters, which every system accepts as a name."""
    return "".join(chance.choices(string.ascii_lowercase, k=length))


def rewriter(names: Mapping[str, str]) -> Rewrite:
    """A function that replaces every name, and its form as an environment variable, where it stands as a word."""
    forms = dict(names)
    for old, new in names.items():
        forms.setdefault(old.upper().replace("-", "_"), new.upper())
    if not forms:
        return lambda text: text
    longest_first = sorted(forms, key=lambda name: (-len(name), name))
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])")
    return lambda text: pattern.sub(lambda match: forms[match[0]], text)


def _objects(state: pl.DataFrame) -> Iterable[str]:
    for key, text in state.select(pl.col("key", "text").cast(pl.String)).drop_nulls().iter_rows():
        if _LISTED.match(key):
            yield from (line.split()[0] for line in text.splitlines()[1:] if line.strip())


def _copy(source: Path, into: Path, rewrite: Rewrite, chance: random.Random) -> None:
    into.mkdir(parents=True)
    for name in sorted({*FILES, "topology.json"}):
        if name.endswith(".parquet"):
            if (table := read_parquet(source, name)) is not None:
                seed = chance.randrange(2**32)
                permuted = _rewritten(table, rewrite).sample(fraction=1.0, shuffle=True, seed=seed)
                permuted.write_parquet(into / name)
        elif (document := read_json(source, name)) is not None:
            text = json.dumps(_walk(document, rewrite), ensure_ascii=False)
            (into / name).write_text(text, encoding="utf-8")


def _rewritten(table: pl.DataFrame, rewrite: Rewrite) -> pl.DataFrame:
    changed = {}
    for name in table.columns:
        if table[name].dtype == pl.String and name not in ("trace_id", "span_id", "parent_id"):
            texts = {text: rewrite(text) for text in table[name].unique() if text is not None}
            changed[name] = pl.Series(name, [texts.get(text) for text in table[name]], dtype=pl.String)
    return table.with_columns(**changed)


def _walk(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, list):
        return [_walk(each, rewrite) for each in value]
    if isinstance(value, dict):
        return {key: _walk(each, rewrite) for key, each in value.items()}
    return value
