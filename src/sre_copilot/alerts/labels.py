"""Label sets and their fingerprint."""

from __future__ import annotations

from collections.abc import Mapping

OFFSET = 14695981039346656037
PRIME = 1099511628211
SEPARATOR = 255
MASK = (1 << 64) - 1


def fingerprint(labels: Mapping[str, str]) -> str:
    """The fingerprint that Prometheus and Alertmanager give a label set: FNV-1a, 64 bits, over names and values in the order of the names.

    >>> fingerprint({})
    'cbf29ce484222325'
    """
    value = OFFSET
    for name in sorted(labels):
        for text in (name, labels[name]):
            for byte in text.encode("utf-8", "surrogatepass"):
                value = ((value ^ byte) * PRIME) & MASK
            value = ((value ^ SEPARATOR) * PRIME) & MASK
    return f"{value:016x}"
