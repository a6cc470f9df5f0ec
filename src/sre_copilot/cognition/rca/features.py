"""What the probability of a conclusion is computed from: how the first suspect leads, never who it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Suspect


@dataclass(frozen=True, slots=True)
class Features:
    """Of one ranking.

    `top` and `margin` are nats; `modalities` is how many kinds of telemetry support the first suspect; `comparable` is
    how many kinds of telemetry were recorded both while the fault may have lasted and in normal time.
    """

    top: float
    margin: float
    modalities: int
    comparable: int

    def inputs(self) -> tuple[float, ...]:
        """The inputs of the calibration: concave in nats, since a tenth finding says less than a second.

        The number of modalities is left out on purpose: given the nats, it does not tell right from wrong leads.
        """
        return (log1p(max(self.top, 0.0)), log1p(max(self.margin, 0.0)))


def features(suspects: Sequence[Suspect], findings: Sequence[Finding], comparable: int) -> Features:
    """Describe a ranking (best first) and the findings that it cites; `comparable` kinds of telemetry could have shown a fault."""
    if not suspects:  # nobody was judged, so that nothing recorded says that nobody is to blame
        return Features(0.0, 0.0, 0, 0)
    cited = set(suspects[0].finding_ids)
    second = suspects[1].score if len(suspects) > 1 else 0.0
    return Features(
        top=suspects[0].score,
        margin=suspects[0].score - max(second, 0.0),
        modalities=len({finding.modality for finding in findings if finding.id in cited}),
        comparable=comparable,
    )
