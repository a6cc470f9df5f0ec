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
    """
    chance = random.Random(f"{seed} {folder.name}")  # noqa: S311 - no secret, but the same for the same seed
    facts = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    sources = [path for path in (folder, _baseline(folder, facts)) if path is not None]
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
        for table in ("metrics", "logs", "traces"):
            if (path := folder / f"{table}.parquet").is_file():
                found |= set(pl.read_parquet(path, columns=["service"])["service"].unique())
        if (path := folder / "topology.json").is_file():
            found |= {name for edge in json.loads(path.read_text(encoding="utf-8"))["edges"] for name in edge}
        if (path := folder / "state.parquet").is_file():
            found |= set(_objects(pl.read_parquet(path)))
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
    for key, text in state.select("key", "text").iter_rows():
        if _LISTED.match(key):
            yield from (line.split()[0] for line in text.splitlines()[1:] if line.strip())


def _baseline(folder: Path, facts: Mapping[str, Any]) -> Path | None:
    name = facts.get("baseline")
    bases = (folder.resolve().parent.parent, folder.resolve())
    return next((base / name for base in bases if (base / name).is_dir()), None) if name else None


def _copy(source: Path, into: Path, rewrite: Rewrite, chance: random.Random) -> None:
    into.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.suffix == ".parquet":
            table = _rewritten(pl.read_parquet(path), rewrite)
            table.sample(fraction=1.0, shuffle=True, seed=chance.randrange(2**32)).write_parquet(
                into / path.name
            )
        elif path.suffix == ".json" and path.name not in ("case.json", "truth.json"):
            document = _walk(json.loads(path.read_text(encoding="utf-8")), rewrite)
            (into / path.name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


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
