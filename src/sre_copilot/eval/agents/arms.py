"""The arms of the comparison: which model, and what else is different."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Actor = Literal["none", "strong", "liar", "local"]
Known = Literal["nothing", "cards", "poisoned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to run the team. `url` is of the local model's endpoint."""

    actor: Actor = "none"
    reflecting: bool = True
    known: Known = "nothing"
    injected: bool = False
    url: str = ""


ARMS: Mapping[str, Arm] = {
    "none": Arm(),
    "none-unreflected": Arm(reflecting=False),
    "none-cards": Arm(known="cards"),
    "none-poisoned": Arm(known="poisoned"),
    "none-injected": Arm(injected=True),
    "strong": Arm(actor="strong"),
    "strong-unreflected": Arm(actor="strong", reflecting=False),
    "strong-cards": Arm(actor="strong", known="cards"),
    "strong-poisoned": Arm(actor="strong", known="poisoned"),
    "strong-injected": Arm(actor="strong", injected=True),
    "liar": Arm(actor="liar"),
    "liar-unreflected": Arm(actor="liar", reflecting=False),
    "liar-poisoned": Arm(actor="liar", known="poisoned"),
    "liar-injected": Arm(actor="liar", injected=True),
    "local": Arm(actor="local"),
    "local-unreflected": Arm(actor="local", reflecting=False),
    "local-cards": Arm(actor="local", known="cards"),
    "local-poisoned": Arm(actor="local", known="poisoned"),
    "local-injected": Arm(actor="local", injected=True),
}
USUAL = tuple(name for name, arm in ARMS.items() if arm.actor != "local")
"""What is run when no arm is named: all but the local model, which needs an address."""
