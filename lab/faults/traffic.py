"""Nothing is at fault: more customers than usual, or an ordinary day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.faults.fault import Fault, Scene
from lab.layout import ENTRY

SURGE = 3.0


@contextmanager
def _surge(scene: Scene) -> Iterator[None]:
    scene.load.factor = SURGE
    try:
        yield
    finally:
        scene.load.factor = 1.0


@contextmanager
def _quiet(_: Scene) -> Iterator[None]:
    yield


FAULTS = (
    Fault(
        "traffic-surge", None, (ENTRY,),
        "three times as many customers come",
        "request rates triple everywhere, CPU rises with them; errors and order success stay as they were",
        _surge,
    ),
    Fault(
        "quiet", None, (ENTRY,),
        "nothing happens besides harmless deployments",
        "nothing but the noise of a small shop",
        _quiet,
    ),
)  # fmt: skip
