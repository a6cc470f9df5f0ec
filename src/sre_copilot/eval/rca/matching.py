"""Whether the product's fault type says what a recording's own label says."""

from __future__ import annotations

from sre_copilot.eval.rca import labels, labels_telemetry
from sre_copilot.eval.rca.truth import Truth


def means(truth: Truth, fault_type: str | None) -> bool:
    """Compare in the data set's words: label and taxonomy where it has a taxonomy, the label alone elsewhere."""
    if truth.taxonomy is None:
        return labels_telemetry.means(truth.fault_type, fault_type)
    return labels.means(truth.fault_type, truth.taxonomy, fault_type)
