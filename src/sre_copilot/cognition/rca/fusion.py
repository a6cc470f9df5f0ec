"""From the rankings of several localisers to one ranking of suspects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.domain.incident import Suspect

WORKLOAD = "app/"


def fuse(localisations: Sequence[Localisation]) -> tuple[Suspect, ...]:
    """Add up what each localiser says of an entity; scores are log-odds, so independent evidence adds.

    Parameters
    ----------
    localisations : rankings in any order; a workload `app/<name>` of one and a service `<name>` of another are one entity, called as the service is: by
        that name calls, alerts and whoever repairs it know it

    Returns
    -------
    Suspects best first; equal scores are ordered by name. Fault type, path and the order of findings come from the localiser that
    contributes most to the suspect.
    """
    names = _aliases(suspect.entity for each in localisations for suspect in each.suspects)
    parts: dict[str, list[Suspect]] = {}
    for each in sorted(localisations, key=lambda localisation: localisation.method):
        for suspect in each.suspects:
            parts.setdefault(names[suspect.entity], []).append(suspect)
    fused = [_merge(entity, suspects, names) for entity, suspects in parts.items()]
    return tuple(sorted(fused, key=lambda suspect: (-suspect.score, suspect.entity)))


def _aliases(entities: Iterable[str]) -> dict[str, str]:
    known = set(entities)
    bare = {name: name.removeprefix(WORKLOAD) for name in known}
    return {name: bare[name] if bare[name] in known else name for name in known}


def _merge(entity: str, parts: list[Suspect], names: Mapping[str, str]) -> Suspect:
    leading = max(parts, key=lambda suspect: suspect.score)
    ordered = [leading, *(part for part in parts if part is not leading)]
    return Suspect(
        entity=entity,
        score=sum(part.score for part in parts),
        fault_type=next((part.fault_type for part in ordered if part.fault_type), None),
        finding_ids=tuple(dict.fromkeys(each for part in ordered for each in part.finding_ids)),
        path=tuple(names.get(each, each) for each in next((part.path for part in ordered if part.path), ())),
    )
