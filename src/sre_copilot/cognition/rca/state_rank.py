"""Ranks workloads, nodes and the namespace by what the recorded cluster says of each."""

from __future__ import annotations

from collections.abc import Sequence

from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.cognition.state.scene import Scene, app, scene_of
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation, Suspect

SHARE = 0.2  # of every further finding: findings about one object mostly tell the same fact again


def localise(observation: Observation, findings: Sequence[Finding]) -> Localisation | None:
    """Rank every workload, every node and the namespace.

    Parameters
    ----------
    observation : None is returned where it holds no state
    findings : those whose kind begins with `state.` count; `weight` is in nats

    Returns
    -------
    A suspect's score is its strongest finding plus a fifth of the others; its fault type is that of the strongest that has one.
    """
    if observation.current.state is None:
        return None
    scene = scene_of(observation)
    own: dict[str, list[Finding]] = {}
    for each in findings:
        if each.kind.startswith("state."):
            own.setdefault(each.entity, []).append(each)
    entities = {*candidates(scene), *own}
    suspects = [_suspect(scene, entity, own.get(entity, [])) for entity in entities]
    return Localisation("state", tuple(sorted(suspects, key=lambda each: (-each.score, each.entity))))


def candidates(scene: Scene) -> tuple[str, ...]:
    """Everything that may be at fault: workloads, nodes, the namespace."""
    workloads = [app(name) for name in scene.cluster.workloads]
    nodes = [f"node/{name}" for name in scene.cluster.nodes]
    return (
        *workloads,
        *nodes,
        *([f"namespace/{scene.cluster.namespace}"] if scene.cluster.namespace else []),
    )


def _suspect(scene: Scene, entity: str, findings: list[Finding]) -> Suspect:
    ordered = sorted(findings, key=lambda each: (-each.weight, each.id))
    if not ordered:
        return Suspect(entity=entity, score=0.0)
    return Suspect(
        entity=entity,
        score=ordered[0].weight + SHARE * sum(each.weight for each in ordered[1:]),
        fault_type=next((each.fault_type for each in ordered if each.fault_type), None),
        finding_ids=tuple(each.id for each in ordered),
        path=path(scene, entity, ordered[0]),
    )


def path(scene: Scene, entity: str, finding: Finding) -> tuple[str, ...]:
    """From the object, through a workload that it carries and those that call it, to one that nothing calls."""
    start = (
        [entity]
        if entity.startswith("app/")
        else [each for each in sorted(finding.related) if each.startswith("app/")][:1]
    )
    names = [each.partition("/")[2] for each in start]
    chain, here = list(names), names[0] if names else ""
    while here:
        callers = sorted(
            scene.callers.get(here, frozenset()) - set(chain),
            key=lambda name: (len(scene.callers.get(name, ())), name),
        )
        here = callers[0] if callers else ""
        chain += [here] if here else []
    return tuple(dict.fromkeys([entity, *map(app, chain)]))
