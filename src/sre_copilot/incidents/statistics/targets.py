"""What is aimed at, and what is usual without such a product."""

from __future__ import annotations

DETECT_TARGET_S = 5 * 60.0
RESTORE_TARGET_S = 30 * 60.0
DETECT_TRADITIONAL_S = 30 * 60.0
RESTORE_TRADITIONAL_S = 2 * 3600.0
REPAIR_TARGET = 0.75
"""Share of repairs that help."""
