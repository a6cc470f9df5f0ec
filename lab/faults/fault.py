"""What a fault is: a context manager that breaks the running shop and mends it again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lab.changes import ChangeLog
from lab.load import Customers
from lab.stack import Shop


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault plays: the shop, its customers, its change log, the service concerned, and when."""

    shop: Shop
    load: Customers
    changes: ChangeLog
    service: str
    at: float


def nothing(_: Scene) -> None:
    """The preparation of a fault that needs none."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble.

    `fault_type` is an id of the product's vocabulary, or None when nothing is at fault. `services` are those that it can befall, the
    first is the default; each stands in `truth.json` under its own name. `begin` breaks the shop while it is entered; `prepare` runs before
    the recording; `mend` puts right what `begin` leaves behind, for a shop that goes on.
    """

    name: str
    fault_type: str | None
    services: tuple[str, ...]
    does: str
    looks: str
    begin: Callable[[Scene], AbstractContextManager[None]]
    prepare: Callable[[Scene], None] = nothing
    mend: Callable[[Scene], None] = nothing
