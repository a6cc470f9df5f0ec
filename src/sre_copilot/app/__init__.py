"""The composition root: plug-ins in, a working investigation out; an argument replaces any part.

What investigates is imported when it is first asked for: whoever reads one file or one row does not wait for the numeric libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sre_copilot.app.composing import (
        FINE_STEP_S,
        investigate,
        investigate_case,
        open_configured,
        open_for_investigation,
    )
    from sre_copilot.app.sentences import check_sentences, register_sentences

__all__ = [
    "FINE_STEP_S",
    "check_sentences",
    "investigate",
    "investigate_case",
    "open_configured",
    "open_for_investigation",
    "register_sentences",
]
_PLACES = dict.fromkeys(("check_sentences", "register_sentences"), "sre_copilot.app.sentences")


def __getattr__(name: str) -> Any:
    """Import one of the names above."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES.get(name, "sre_copilot.app.composing")), name)
