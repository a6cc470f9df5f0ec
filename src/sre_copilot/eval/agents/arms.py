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
}
USUAL = ("none", "none-unreflected", "strong", "strong-unreflected", "liar")
"""What is run when no arm is named; the local model needs an address."""
