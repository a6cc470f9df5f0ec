"""Bad releases: rolled out like any other, without an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.faults.fault import Fault, Scene
from lab.layout import SERVICES


@contextmanager
def _raises(scene: Scene) -> Iterator[None]:
    scene.changes.deploy(scene.service, "raises")
    try:
        yield
    finally:
        scene.shop.afflict(scene.service)


@contextmanager
def _skips(scene: Scene) -> Iterator[None]:
    scene.changes.deploy(scene.service, "skips")
    try:
        yield
    finally:
        scene.shop.afflict(scene.service)


FAULTS = (
    Fault(
        "release-raises", "code/exception", ("payment", *SERVICES[1:]),
        "a release expects a field that no caller sends",
        "a deployment in the change log, then `KeyError` in the log of the service and 500 for every request of its main route",
        _raises,
    ),
    Fault(
        "release-skips-step", "code/missing-step", ("shipping", "payment", "inventory", "notification", "checkout"),
        "a release returns before its main step",
        "no error of its own: the log line and the child span of the step vanish, orders stay open",
        _skips,
    ),
)  # fmt: skip
