"""Whether the product's fault type says what a recording's own label says."""

from __future__ import annotations

from sre_copilot.eval import labels_telemetry
from sre_copilot.eval.labels import COB
from sre_copilot.eval.truth import Truth


def means(truth: Truth, fault_type: str | None) -> bool:
    """Compare in the data set's words: label and taxonomy where it has a taxonomy, the label alone elsewhere."""
    if truth.taxonomy is None:
        return labels_telemetry.means(truth.fault_type, fault_type)
    return fault_type is not None and COB.get(fault_type) == (truth.fault_type, truth.taxonomy)
